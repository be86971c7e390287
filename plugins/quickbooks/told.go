// What QuickBooks tells by itself: which accounts and journal entries changed. Since May 2026 in the form of CloudEvents,
// before that in one of its own; a delivery of either form is understood. Sources:
// https://blogs.intuit.com/2025/11/12/upcoming-change-to-webhooks-payload-structure and
// https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks

package connector

import (
	"encoding/json"
	"strings"

	"countersign/sdk"
)

// kinds are our words for what can be told of, by QuickBooks' names in small letters.
var kinds = map[string]string{"account": kindAccount, "journalentry": kindEntry}

// event is a CloudEvent.
type event struct {
	// Type is such as `qbo.account.created.v1`.
	Type string `json:"type"`
	ID   string `json:"intuitentityid"`
}

// notifications are the form that was.
type notifications struct {
	Of []struct {
		Change struct {
			Entities []struct {
				Name string `json:"name"`
				ID   string `json:"id"`
				// Deleted is the record that was merged into this one.
				Deleted string `json:"deletedId"`
			} `json:"entities"`
		} `json:"dataChangeEvent"`
	} `json:"eventNotifications"`
}

// Interpret names the records that changed. A delivery may be about another company of the same app: a record of the same
// id is then read once in vain.
func (quickbooks) Interpret(_ sdk.Context, delivery sdk.Delivery) ([]sdk.RecordRef, error) {
	body, err := delivery.Text()
	if err != nil {
		return nil, err
	}
	var records []sdk.RecordRef
	add := func(name, id string) {
		if kind, isOurs := kinds[strings.ToLower(name)]; isOurs && id != "" {
			records = append(records, sdk.RecordRef{Kind: kind, ID: id})
		}
	}
	if strings.HasPrefix(strings.TrimSpace(body), "[") {
		var events []event
		if json.Unmarshal([]byte(body), &events) != nil {
			return nil, sdk.Rejected("bad-delivery", "the delivery is no list of events")
		}
		for _, one := range events {
			parts := strings.Split(one.Type, ".")
			if 2 < len(parts) && parts[0] == "qbo" {
				add(parts[1], one.ID)
			}
		}
		return once(records), nil
	}
	var all notifications
	if json.Unmarshal([]byte(body), &all) != nil {
		return nil, sdk.Rejected("bad-delivery", "the delivery is no notification of QuickBooks'")
	}
	for _, one := range all.Of {
		for _, entity := range one.Change.Entities {
			add(entity.Name, entity.ID)
			add(entity.Name, entity.Deleted)
		}
	}
	return once(records), nil
}

// once gives each record once, in the order in which they were told.
func once(records []sdk.RecordRef) []sdk.RecordRef {
	seen := map[sdk.RecordRef]bool{}
	var all []sdk.RecordRef
	for _, one := range records {
		if !seen[one] {
			seen[one] = true
			all = append(all, one)
		}
	}
	return all
}
