// Package export_countersign_connector_intake is where the generated bindings look for `intake`.
package export_countersign_connector_intake

import (
	"countersign/guest"
	types "countersign/wit/countersign_connector_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

func Receive(what types.Delivery) wit.Result[[]types.DraftIntent, types.Failure] {
	return guest.Receive(what)
}
