// Package connector is the connector to Acme: it cancels orders.
package connector

import (
	"errors"
	"strconv"

	"countersign/sdk"
)

// New gives the connector; the component calls it once.
func New() sdk.Connector { return orders{} }

type orders struct{}

// order is an order, as Acme tells it.
type order struct {
	Status  string `json:"status"`
	Version *int64 `json:"version"`
	// Why it was cancelled, and by which effect.
	Reason    *string `json:"reason"`
	Reference *string `json:"reference"`
}

// Valid says what is wrong with an answer that is no order.
func (now order) Valid() error {
	if now.Status == "" || now.Version == nil {
		return errors.New("that is no order")
	}
	return nil
}

func (now order) snapshot(id string) sdk.Snapshot {
	return sdk.Snapshot{
		Subject:  sdk.RecordRef{Kind: "order", ID: id},
		Revision: sdk.Some(strconv.FormatInt(*now.Version, 10)),
		Fields:   []sdk.Field{sdk.Named("status", sdk.Text(now.Status)), sdk.Named("reason", sdk.OptionalText(now.Reason))},
	}
}

func read(context sdk.Context, id string) (now order, err error) {
	answer, err := context.Get("api", sdk.Path("orders", id)).Read().OK()
	if err != nil {
		return now, err
	}
	err = answer.JSON(&now)
	return now, err
}

func (orders) Describe() sdk.Descriptor {
	cancel := sdk.Operation{
		Name:      "cancel-order",
		Kind:      "order",
		Guarantee: sdk.ByKey,
		Input: sdk.Object{
			"type":       "object",
			"required":   []string{"reason"},
			"properties": sdk.Object{"reason": sdk.Object{"title": "Why"}},
		},
	}
	return sdk.Descriptor{
		Name:       "acme.orders",
		Version:    "0.1.0",
		System:     "acme",
		Kinds:      []string{"order"},
		Operations: []sdk.Operation{cancel},
	}
}

func (orders) Check(context sdk.Context) error {
	_, err := context.Get("api", "/orders/").Query("limit", "1").Read().OK()
	return err
}

func (orders) Fetch(context sdk.Context, subject sdk.RecordRef) (sdk.Snapshot, error) {
	now, err := read(context, subject.ID)
	if err != nil {
		return sdk.Snapshot{}, err
	}
	return now.snapshot(subject.ID), nil
}

func (of orders) Plan(context sdk.Context, what sdk.Proposal, _ uint64) (sdk.WritePlan, error) {
	reason, err := what.Text("reason")
	if err != nil {
		return sdk.WritePlan{}, err
	}
	now, err := of.Fetch(context, what.Subject)
	if err != nil {
		return sdk.WritePlan{}, err
	}
	return sdk.Update(now, sdk.Named("status", sdk.Text("cancelled")), sdk.Named("reason", sdk.Text(reason))), nil
}

func (orders) Apply(context sdk.Context, effect sdk.Effect) (sdk.Receipt, error) {
	id := effect.Plan.Subject.ID
	reason, err := effect.Sealed().Text("reason")
	if err != nil {
		return sdk.Receipt{}, err
	}
	body := sdk.Object{"reason": reason, "reference": effect.EffectID, "if_version": effect.Plan.Revision}
	answer, err := context.Post("api", sdk.Path("orders", id, "cancel")).JSON(body).Step("cancel").OK()
	if err != nil {
		return sdk.Receipt{}, err
	}
	var now order
	if err := answer.JSON(&now); err != nil {
		return sdk.Receipt{}, err
	}
	receipt := effect.Receipt(now.snapshot(id))
	receipt.VendorRequestID = answer.RequestID()
	return receipt, nil
}

func (orders) Probe(context sdk.Context, effect sdk.Effect) (sdk.Finding, error) {
	id := effect.Plan.Subject.ID
	now, err := read(context, id)
	if err != nil {
		return nil, err
	}
	if now.Reference == nil || *now.Reference != effect.EffectID {
		return sdk.NotThere{}, nil
	}
	return sdk.Landed{Receipt: effect.Receipt(now.snapshot(id))}, nil
}
