// Package export_countersign_connector_compensator is where the generated bindings look for `compensator`.
package export_countersign_connector_compensator

import (
	"countersign/guest"
	types "countersign/wit/countersign_connector_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

func Undo(what types.Effect, landed types.Receipt) wit.Result[types.Receipt, types.Failure] {
	return guest.Undo(what, landed)
}

func ProbeUndo(what types.Effect, landed types.Receipt) wit.Result[types.Finding, types.Failure] {
	return guest.ProbeUndo(what, landed)
}
