package guest

import (
	"countersign/sdk"
	diagnostics "countersign/wit/countersign_connector_diagnostics"
	http "countersign/wit/countersign_connector_http"
	settings "countersign/wit/countersign_connector_settings"
)

// host is the real one, behind the imports of the component.
type host struct{}

func (host) Send(request sdk.Request) (sdk.Response, error) {
	purpose := http.MakePurposeRead()
	if request.Step != "" {
		purpose = http.MakePurposeStep(request.Step)
	}
	sent := http.Send(http.Request{
		Endpoint: request.Endpoint,
		// Both number the methods in the order of the contract.
		Method:  http.Method(request.Method),
		Path:    request.Path,
		Query:   each(request.Query, pairTo),
		Headers: each(request.Headers, pairTo),
		Body:    bodyTo(request.Body),
		Purpose: purpose,
	})
	if sent.IsErr() {
		return sdk.Response{}, failureFrom(sent.Err())
	}
	response := sent.Ok()
	headers := each(response.Headers, pairOf)
	return sdk.Response{Status: response.Status, Headers: headers, Body: bodyOf(response.Body)}, nil
}

func (host) Setting(name string) *string { return optionOf(settings.Get(wellFormed(name))) }

func (host) Say(level sdk.Level, message string, fields []sdk.Pair) {
	// Both number the levels in the order of the contract.
	diagnostics.Emit(diagnostics.Level(min(level, sdk.Error)), wellFormed(message), each(fields, pairTo))
}
