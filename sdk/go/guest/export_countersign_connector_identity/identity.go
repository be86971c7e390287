// Package export_countersign_connector_identity is where the generated bindings look for `identity`.
package export_countersign_connector_identity

import (
	"countersign/guest"
	identity "countersign/wit/countersign_connector_identity"
)

func Describe() identity.Descriptor { return guest.Describe() }
