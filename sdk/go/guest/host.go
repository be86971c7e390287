package guest

import (
	"runtime"
	"runtime/debug"

	"countersign/sdk"
	diagnostics "countersign/wit/countersign_connector_diagnostics"
	http "countersign/wit/countersign_connector_http"
	settings "countersign/wit/countersign_connector_settings"
)

// heapBytesMax is how much is left uncollected before a request: an eighth of what the class `medium` allows.
const heapBytesMax = 16 * 1024 * 1024

// The collector looks at the clock, which is an import, and a component that asks an import while the host hands memory over
// is trapped. So it never runs by itself.
func init() { debug.SetGCPercent(-1) }

// collect frees memory where that is allowed.
func collect() {
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	if heapBytesMax < now.HeapAlloc {
		runtime.GC()
	}
}

// host is the real one, behind the imports of the component.
type host struct{}

func (host) Send(request sdk.Request) (sdk.Response, error) {
	collect()
	purpose := http.MakePurposeRead()
	if request.Step != "" {
		purpose = http.MakePurposeStep(request.Step)
	}
	sent := http.Send(http.Request{
		Endpoint: request.Endpoint,
		Method:   wellFormed(string(request.Method)),
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
