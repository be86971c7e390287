// Package export_countersign_connector_webhooks is where the generated bindings look for `webhooks`.
package export_countersign_connector_webhooks

import (
	"countersign/guest"
	types "countersign/wit/countersign_connector_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

func Interpret(what types.Delivery) wit.Result[[]types.RecordRef, types.Failure] {
	return guest.Interpret(what)
}
