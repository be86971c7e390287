// Package export_countersign_connector_reader is where the generated bindings look for `reader`.
package export_countersign_connector_reader

import (
	"countersign/guest"
	reader "countersign/wit/countersign_connector_reader"
	types "countersign/wit/countersign_connector_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

func Fetch(subject types.RecordRef) wit.Result[types.Snapshot, types.Failure] {
	return guest.Fetch(subject)
}

func Changes(kind string, cursor wit.Option[string], limit uint32, nowMs uint64) wit.Result[reader.Page, types.Failure] {
	return guest.Changes(kind, cursor, limit, nowMs)
}

func Check() wit.Result[wit.Unit, types.Failure] { return guest.Check() }
