// Package sdk is for writing a countersign connector in Go: a type with one method for each question, and
// errors that say which of five failures they are.
//
// It knows nothing of WebAssembly, so that a connector can be tested like any package. What makes a component
// of it is in `guest/`, and `countersign connector build` puts the two together.
package sdk

// Connector is what every connector answers. Keep nothing between calls: each has an instance of its own.
type Connector interface {
	// Describe says what it is, from constants. No request may be sent.
	Describe() Descriptor
	// Check says whether address, credential and permissions are right.
	Check(context Context) error
	// Fetch says what a record holds now.
	Fetch(context Context, subject RecordRef) (Snapshot, error)
}

// Teller is a connector that can list what changed.
type Teller interface {
	// Changes says which records of a kind changed since a place; `limit` is the most that is wanted, and `nowMs` the
	// moment of the question.
	Changes(context Context, kind string, cursor *string, limit uint32, nowMs uint64) (Page, error)
}

// Writer is a connector with operations.
type Writer interface {
	// Plan says field by field what Apply would write. It only reads.
	Plan(context Context, what Proposal, nowMs uint64) (WritePlan, error)
	// Apply makes one attempt: it writes the sealed plan and nothing else, and gives the target's proof.
	Apply(context Context, effect Effect) (Receipt, error)
	// Probe says whether the effect is there. It only reads.
	Probe(context Context, effect Effect) (Finding, error)
}

// Compensator is a connector that can take back what landed. Its world is `reversible-connector`.
type Compensator interface {
	// Undo takes back what landed; its plan is that of the effect with before and after exchanged.
	Undo(context Context, effect Effect, landed Receipt) (Receipt, error)
	// ProbeUndo says whether what takes it back is there. It only reads.
	ProbeUndo(context Context, effect Effect, landed Receipt) (Finding, error)
}

// Webhooks is a connector that is told of changes. Its world is `webhook-connector`.
type Webhooks interface {
	// Interpret names the records that a delivery is about; none if it concerns us not.
	Interpret(context Context, delivery Delivery) ([]RecordRef, error)
}

// Intake is a connector by which people ask for approvals. Its world is `intake-connector`.
type Intake interface {
	// Receive says what a delivery asks for; nothing if it asks for nothing.
	Receive(context Context, delivery Delivery) ([]DraftIntent, error)
}

// Host is what the host offers. A component has the real one; a test can bring its own.
type Host interface {
	// Send sends a request and waits for the answer. Its error is a [*Failure].
	Send(request Request) (Response, error)
	// Setting gives a setting of the connection; `nil` if it has none.
	Setting(name string) *string
	// Say says a line for operators.
	Say(level Level, message string, fields []Pair)
}

// Context is what a call may do: ask the target, read settings, tell operators.
type Context struct{ host Host }

// ContextOf makes a context that asks this host.
func ContextOf(host Host) Context { return Context{host} }

// Get begins a `GET`. Endpoints are named as in the manifest.
func (context Context) Get(endpoint, path string) *Draft { return context.Request(Get, endpoint, path) }

// Post begins a `POST`.
func (context Context) Post(endpoint, path string) *Draft {
	return context.Request(Post, endpoint, path)
}

// Put begins a `PUT`.
func (context Context) Put(endpoint, path string) *Draft { return context.Request(Put, endpoint, path) }

// Patch begins a `PATCH`.
func (context Context) Patch(endpoint, path string) *Draft {
	return context.Request(Patch, endpoint, path)
}

// Delete begins a `DELETE`.
func (context Context) Delete(endpoint, path string) *Draft {
	return context.Request(Delete, endpoint, path)
}

// Request begins a request with this method.
func (context Context) Request(method Method, endpoint, path string) *Draft {
	return &Draft{host: context.host, request: Request{Method: method, Endpoint: endpoint, Path: path}}
}

// Setting gives a setting of the connection; `nil` if it has none.
func (context Context) Setting(name string) *string { return context.host.Setting(name) }

// Say says a line for operators. No secret, no personal data.
func (context Context) Say(level Level, message string, fields ...Pair) {
	context.host.Say(level, message, fields)
}
