// Package guest makes a component of a connector: it stands between the generated bindings and the SDK.
package guest

import (
	"errors"
	"fmt"
	"strings"

	"countersign/sdk"
	identity "countersign/wit/countersign_connector_identity"
	reader "countersign/wit/countersign_connector_reader"
	types "countersign/wit/countersign_connector_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

var (
	connector sdk.Connector
	context   = sdk.ContextOf(host{})
)

// Serve says whose answers the component gives. The generated program calls it once, before anything is asked.
func Serve(of sdk.Connector) { connector = of }

// Describe answers `identity.describe`.
func Describe() identity.Descriptor { return descriptorTo(connector.Describe()) }

// Check answers `reader.check`.
func Check() wit.Result[wit.Unit, types.Failure] {
	return call(func() (nothing, error) { return nothing{}, connector.Check(context) },
		func(nothing) wit.Unit { return wit.Unit{} }, sdk.IsRejected)
}

// Fetch answers `reader.fetch`.
func Fetch(subject types.RecordRef) wit.Result[types.Snapshot, types.Failure] {
	return call(func() (sdk.Snapshot, error) { return connector.Fetch(context, recordOf(subject)) },
		snapshotTo, sdk.IsRejected)
}

// Changes answers `reader.changes`; a connector that cannot tell has none.
func Changes(
	kind string, cursor wit.Option[string], limit uint32, nowMs uint64,
) wit.Result[reader.Page, types.Failure] {
	return call(func() (sdk.Page, error) {
		teller, can := connector.(sdk.Teller)
		if !can {
			return sdk.Page{}, nil
		}
		return teller.Changes(context, kind, optionOf(cursor), limit, nowMs)
	}, pageTo, sdk.IsRejected)
}

// Plan answers `writer.plan`.
func Plan(what types.Proposal, nowMs uint64) wit.Result[types.WritePlan, types.Failure] {
	return call(func() (sdk.WritePlan, error) {
		writer, err := as[sdk.Writer]("has no operations")
		if err != nil {
			return sdk.WritePlan{}, err
		}
		return writer.Plan(context, proposalOf(what), nowMs)
	}, planTo, sdk.IsRejected)
}

// Apply answers `writer.apply`.
func Apply(what types.Effect) wit.Result[types.Receipt, types.Failure] {
	return call(func() (sdk.Receipt, error) {
		writer, err := as[sdk.Writer]("has no operations")
		if err != nil {
			return sdk.Receipt{}, err
		}
		return writer.Apply(context, effectOf(what))
	}, receiptTo, sdk.IsUncertain)
}

// Probe answers `writer.probe`.
func Probe(what types.Effect) wit.Result[types.Finding, types.Failure] {
	return call(func() (found, error) {
		writer, err := as[sdk.Writer]("has no operations")
		if err != nil {
			return found{}, err
		}
		finding, err := writer.Probe(context, effectOf(what))
		return found{finding}, err
	}, findingTo, sdk.IsRejected)
}

// Undo answers `compensator.undo`.
func Undo(what types.Effect, landed types.Receipt) wit.Result[types.Receipt, types.Failure] {
	return call(func() (sdk.Receipt, error) {
		compensator, err := as[sdk.Compensator]("takes nothing back")
		if err != nil {
			return sdk.Receipt{}, err
		}
		return compensator.Undo(context, effectOf(what), receiptOf(landed))
	}, receiptTo, sdk.IsUncertain)
}

// ProbeUndo answers `compensator.probe-undo`.
func ProbeUndo(what types.Effect, landed types.Receipt) wit.Result[types.Finding, types.Failure] {
	return call(func() (found, error) {
		compensator, err := as[sdk.Compensator]("takes nothing back")
		if err != nil {
			return found{}, err
		}
		finding, err := compensator.ProbeUndo(context, effectOf(what), receiptOf(landed))
		return found{finding}, err
	}, findingTo, sdk.IsRejected)
}

// Interpret answers `webhooks.interpret`.
func Interpret(what types.Delivery) wit.Result[[]types.RecordRef, types.Failure] {
	return call(func() (list[sdk.RecordRef], error) {
		webhooks, err := as[sdk.Webhooks]("has no webhooks")
		if err != nil {
			return nil, err
		}
		return webhooks.Interpret(context, deliveryOf(what))
	}, func(of list[sdk.RecordRef]) []types.RecordRef { return each(of, recordTo) }, sdk.IsRejected)
}

// Receive answers `intake.receive`.
func Receive(what types.Delivery) wit.Result[[]types.DraftIntent, types.Failure] {
	return call(func() (list[sdk.DraftIntent], error) {
		intake, err := as[sdk.Intake]("takes no wishes")
		if err != nil {
			return nil, err
		}
		return intake.Receive(context, deliveryOf(what))
	}, func(of list[sdk.DraftIntent]) []types.DraftIntent { return each(of, draftTo) }, sdk.IsRejected)
}

// as gives the connector as one that can do more, or says that it cannot.
func as[T any](not string) (T, error) {
	can, does := connector.(T)
	if !does {
		return can, sdk.Rejected("not-offered", "this connector "+not)
	}
	return can, nil
}

// answer is what can say what is odd about it.
type answer interface{ Oddity() string }

type nothing struct{}

func (nothing) Oddity() string { return "" }

type found struct{ finding sdk.Finding }

func (of found) Oddity() string {
	switch finding := of.finding.(type) {
	case sdk.Landed:
		return finding.Receipt.Oddity()
	case sdk.NotThere, sdk.Unknown:
		return ""
	}
	return "the finding is none; say `NotThere{}` or `Unknown{}`"
}

type list[T answer] []T

func (of list[T]) Oddity() string {
	for _, one := range of {
		if odd := one.Oddity(); odd != "" {
			return odd
		}
	}
	return ""
}

// call runs a call, and makes a failure of whatever goes wrong in it, so that no panic becomes a trap. An odd answer
// fails with the case `odd`.
func call[A answer, R any](run func() (A, error), to func(A) R, odd sdk.Case) wit.Result[R, types.Failure] {
	answer, err := caught(run)
	if err == nil {
		why := answer.Oddity()
		if why == "" {
			return wit.Ok[R, types.Failure](to(answer))
		}
		err = &sdk.Failure{Case: odd, Code: sdk.OddValue, Message: why}
	}
	return wit.Err[R](failureTo(failureOf(err)))
}

// caught runs a call, and gives a panic in it as an error.
func caught[A any](run func() (A, error)) (answer A, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("panic: %v", panicked)
		}
	}()
	return run()
}

// failureOf makes a failure of an error. What nobody foresaw is a bug of the connector, with its text.
func failureOf(err error) *sdk.Failure {
	var failure *sdk.Failure
	if errors.As(err, &failure) && failure != nil && failure.Case <= sdk.IsUncertain {
		return failure
	}
	// An error can panic while it says what it is: one that is a nil pointer does.
	text, odd := caught(func() (string, error) { return err.Error(), nil })
	if odd != nil {
		text = odd.Error()
	}
	return sdk.Rejected(sdk.ConnectorBug, strings.Join(strings.Fields(text), " "))
}
