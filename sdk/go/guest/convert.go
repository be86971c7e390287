package guest

import (
	"encoding/json"
	"fmt"
	"strings"

	"countersign/sdk"
	identity "countersign/wit/countersign_connector_identity"
	reader "countersign/wit/countersign_connector_reader"
	types "countersign/wit/countersign_connector_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

// `...Of` makes a word of the SDK of one of the bindings, `...To` the other way round.

type pair = wit.Tuple2[string, string]

func each[A, B any](of []A, by func(A) B) []B {
	all := make([]B, len(of))
	for index, one := range of {
		all[index] = by(one)
	}
	return all
}

func optionOf[T any](of wit.Option[T]) *T {
	if of.IsNone() {
		return nil
	}
	return sdk.Some(of.Some())
}

func optionTo[T any](of *T) wit.Option[T] {
	if of == nil {
		return wit.None[T]()
	}
	return wit.Some(*of)
}

// wellFormed gives text that can leave: replacement characters for what is not UTF-8.
func wellFormed(text string) string { return strings.ToValidUTF8(text, "\ufffd") }

func pairOf(of pair) sdk.Pair { return sdk.Pair{Name: of.F0, Value: of.F1} }

func pairTo(of sdk.Pair) pair { return pair{F0: wellFormed(of.Name), F1: wellFormed(of.Value)} }

func recordOf(of types.RecordRef) sdk.RecordRef { return sdk.RecordRef{Kind: of.Kind, ID: of.Id} }

func recordTo(of sdk.RecordRef) types.RecordRef { return types.RecordRef{Kind: of.Kind, Id: of.ID} }

func bodyOf(of types.Payload) sdk.Body {
	switch of.Tag() {
	case types.PayloadText:
		return sdk.Body{Text: of.Text()}
	case types.PayloadBytes:
		return sdk.Body{Bytes: of.Bytes()}
	}
	return sdk.Body{}
}

func bodyTo(of sdk.Body) types.Payload {
	switch {
	case of.Bytes != nil:
		return types.MakePayloadBytes(of.Bytes)
	case of.Text != "":
		return types.MakePayloadText(of.Text)
	}
	return types.MakePayloadEmpty()
}

func valueOf(of types.Value) sdk.Value {
	switch of.Tag() {
	case types.ValueAbsent:
		return sdk.Absent{}
	case types.ValueFlag:
		return sdk.Flag(of.Flag())
	case types.ValueInteger:
		return sdk.Integer(of.Integer())
	case types.ValueDecimal:
		return sdk.Decimal(of.Decimal())
	case types.ValueText:
		return sdk.Text(of.Text())
	case types.ValueDate:
		return sdk.Date(of.Date())
	case types.ValueInstantMs:
		return sdk.InstantMs(of.InstantMs())
	case types.ValueMoney:
		return sdk.Money{Amount: of.Money().Amount, Currency: of.Money().Currency}
	case types.ValueReference:
		return recordOf(of.Reference())
	case types.ValueJson:
		return sdk.JSON(of.Json())
	}
	panic(fmt.Sprintf("a value of the case %d", of.Tag()))
}

func valueTo(of sdk.Value) types.Value {
	switch of := of.(type) {
	case sdk.Absent:
		return types.MakeValueAbsent()
	case sdk.Flag:
		return types.MakeValueFlag(bool(of))
	case sdk.Integer:
		return types.MakeValueInteger(int64(of))
	case sdk.Decimal:
		return types.MakeValueDecimal(string(of))
	case sdk.Text:
		return types.MakeValueText(string(of))
	case sdk.Date:
		return types.MakeValueDate(string(of))
	case sdk.InstantMs:
		return types.MakeValueInstantMs(uint64(of))
	case sdk.Money:
		return types.MakeValueMoney(types.Money{Amount: of.Amount, Currency: of.Currency})
	case sdk.RecordRef:
		return types.MakeValueReference(recordTo(of))
	case sdk.JSON:
		return types.MakeValueJson(string(of))
	}
	panic("a value that the contract does not know")
}

func fieldOf(of types.Field) sdk.Field { return sdk.Field{Name: of.Name, Value: valueOf(of.Value)} }

func fieldTo(of sdk.Field) types.Field { return types.Field{Name: of.Name, Value: valueTo(of.Value)} }

func changeOf(of types.Change) sdk.Change {
	return sdk.Change{Name: of.Name, Before: valueOf(of.Before), After: valueOf(of.After)}
}

func changeTo(of sdk.Change) types.Change {
	return types.Change{Name: of.Name, Before: valueTo(of.Before), After: valueTo(of.After)}
}

func proposalOf(of types.Proposal) sdk.Proposal {
	return sdk.Proposal{Operation: of.Operation, Subject: recordOf(of.Subject), Fields: each(of.Fields, fieldOf)}
}

func planOf(of types.WritePlan) sdk.WritePlan {
	changes := each(of.Changes, changeOf)
	return sdk.WritePlan{
		Subject: recordOf(of.Subject), Revision: optionOf(of.Revision), Changes: changes, Remarks: of.Remarks,
	}
}

func planTo(of sdk.WritePlan) types.WritePlan {
	changes := each(of.Changes, changeTo)
	return types.WritePlan{
		Subject: recordTo(of.Subject), Revision: optionTo(of.Revision), Changes: changes, Remarks: of.Remarks,
	}
}

func effectOf(of types.Effect) sdk.Effect {
	return sdk.Effect{
		EffectID: of.EffectId,
		Attempt:  of.Attempt,
		What:     proposalOf(of.What),
		Plan:     planOf(of.Plan),
		NowMs:    of.NowMs,
		Extra:    each(of.Extra, pairOf),
	}
}

func snapshotTo(of sdk.Snapshot) types.Snapshot {
	return types.Snapshot{
		Subject:  recordTo(of.Subject),
		Revision: optionTo(of.Revision),
		Url:      optionTo(of.URL),
		Fields:   each(of.Fields, fieldTo),
	}
}

func pageTo(of sdk.Page) reader.Page {
	return reader.Page{Items: each(of.Items, snapshotTo), Next: optionTo(of.Next)}
}

func receiptOf(of types.Receipt) sdk.Receipt {
	return sdk.Receipt{
		Subject:         recordOf(of.Subject),
		Revision:        optionOf(of.Revision),
		URL:             optionOf(of.Url),
		VendorRequestID: optionOf(of.VendorRequestId),
		Applied:         each(of.Applied, fieldOf),
		Extra:           each(of.Extra, pairOf),
	}
}

func receiptTo(of sdk.Receipt) types.Receipt {
	return types.Receipt{
		Subject:         recordTo(of.Subject),
		Revision:        optionTo(of.Revision),
		Url:             optionTo(of.URL),
		VendorRequestId: optionTo(of.VendorRequestID),
		Applied:         each(of.Applied, fieldTo),
		Extra:           each(of.Extra, pairTo),
	}
}

func findingTo(of found) types.Finding {
	switch finding := of.finding.(type) {
	case sdk.Landed:
		return types.MakeFindingLanded(receiptTo(finding.Receipt))
	case sdk.NotThere:
		return types.MakeFindingAbsent()
	}
	return types.MakeFindingUnknown()
}

func deliveryOf(of types.Delivery) sdk.Delivery {
	headers := each(of.Headers, pairOf)
	return sdk.Delivery{Hook: of.Hook, Headers: headers, Body: bodyOf(of.Body), ReceivedMs: of.ReceivedMs}
}

func draftTo(of sdk.DraftIntent) types.DraftIntent {
	return types.DraftIntent{
		IntentType: of.IntentType,
		Source:     recordTo(of.Source),
		Fields:     each(of.Fields, fieldTo),
		DedupeKey:  of.DedupeKey,
		Requester:  optionTo(of.Requester),
	}
}

func operationTo(of sdk.Operation) identity.Operation {
	schema, err := json.Marshal(of.Input)
	if err != nil {
		// Nobody but the author sees it: `describe` answers from constants.
		panic(fmt.Sprintf("the input schema of `%s` is no JSON: %v", of.Name, err))
	}
	return identity.Operation{
		Name:        of.Name,
		Kind:        of.Kind,
		InputSchema: string(schema),
		// Both number the guarantees in the order of the contract.
		Guarantee:  identity.Guarantee(of.Guarantee),
		Reversible: of.Reversible,
	}
}

func descriptorTo(of sdk.Descriptor) identity.Descriptor {
	var extra []pair
	if len(of.Tells) != 0 {
		extra = append(extra, pair{F0: "changes", F1: strings.Join(of.Tells, ",")})
	}
	return identity.Descriptor{
		Name:       of.Name,
		Version:    of.Version,
		System:     of.System,
		Kinds:      of.Kinds,
		Operations: each(of.Operations, operationTo),
		Extra:      extra,
	}
}

func detailTo(of *sdk.Failure) types.Detail {
	requestID := of.VendorRequestID
	if requestID != nil {
		requestID = sdk.Some(wellFormed(*requestID))
	}
	return types.Detail{
		Code:            wellFormed(of.Code),
		Message:         wellFormed(of.Message),
		VendorStatus:    optionTo(of.VendorStatus),
		VendorRequestId: optionTo(requestID),
		Extra:           each(of.Extra, pairTo),
	}
}

func failureTo(of *sdk.Failure) types.Failure {
	detail := detailTo(of)
	switch of.Case {
	case sdk.IsTransient:
		return types.MakeFailureTransient(types.Transient{AfterMs: optionTo(of.AfterMs), Detail: detail})
	case sdk.IsRejected:
		return types.MakeFailureRejected(types.Rejected{Fields: each(of.Fields, wellFormed), Detail: detail})
	case sdk.IsConflict:
		revision := of.Revision
		if revision != nil {
			revision = sdk.Some(wellFormed(*revision))
		}
		return types.MakeFailureConflict(types.Conflict{Revision: optionTo(revision), Detail: detail})
	case sdk.IsDenied:
		return types.MakeFailureDenied(detail)
	case sdk.IsUncertain:
		return types.MakeFailureUncertain(detail)
	}
	panic(fmt.Sprintf("a failure of the case %d", of.Case))
}

// failureFrom makes a failure of the host's one of the SDK's.
func failureFrom(of types.Failure) *sdk.Failure {
	switch of.Tag() {
	case types.FailureTransient:
		failure := detailOf(sdk.IsTransient, of.Transient().Detail)
		return failure.After(optionOf(of.Transient().AfterMs))
	case types.FailureRejected:
		failure := detailOf(sdk.IsRejected, of.Rejected().Detail)
		failure.Fields = of.Rejected().Fields
		return failure
	case types.FailureConflict:
		failure := detailOf(sdk.IsConflict, of.Conflict().Detail)
		failure.Revision = optionOf(of.Conflict().Revision)
		return failure
	case types.FailureDenied:
		return detailOf(sdk.IsDenied, of.Denied())
	}
	return detailOf(sdk.IsUncertain, of.Uncertain())
}

func detailOf(of sdk.Case, detail types.Detail) *sdk.Failure {
	return &sdk.Failure{
		Case:            of,
		Code:            detail.Code,
		Message:         detail.Message,
		VendorStatus:    optionOf(detail.VendorStatus),
		VendorRequestID: optionOf(detail.VendorRequestId),
		Extra:           each(detail.Extra, pairOf),
	}
}
