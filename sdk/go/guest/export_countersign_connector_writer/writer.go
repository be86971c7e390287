// Package export_countersign_connector_writer is where the generated bindings look for `writer`.
package export_countersign_connector_writer

import (
	"countersign/guest"
	types "countersign/wit/countersign_connector_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

func Plan(what types.Proposal, nowMs uint64) wit.Result[types.WritePlan, types.Failure] {
	return guest.Plan(what, nowMs)
}

func Apply(what types.Effect) wit.Result[types.Receipt, types.Failure] { return guest.Apply(what) }

func Probe(what types.Effect) wit.Result[types.Finding, types.Failure] { return guest.Probe(what) }
