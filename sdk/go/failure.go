package sdk

import "fmt"

// ConnectorBug is the code of a failure that the connector's author did not foresee.
const ConnectorBug = "connector.bug"

// Case is the kind of a failure: it, and nothing else, says what happens next.
type Case uint8

const (
	// IsTransient: nothing was changed, and trying again may help.
	IsTransient Case = iota
	// IsRejected: it will never work as asked.
	IsRejected
	// IsConflict: the record moved under us.
	IsConflict
	// IsDenied: credential or permission trouble.
	IsDenied
	// IsUncertain: the change may or may not have landed.
	IsUncertain
)

// Failure says why a call gives no result. It is an `error`: return it. Any other error that a connector returns
// becomes [IsRejected] with the code [ConnectorBug] and its text.
type Failure struct {
	Case Case
	Code string
	// Message is one line for people, lower case, without secrets and personal data.
	Message string
	// Fields are those that the vendor objected to; only for [IsRejected].
	Fields []string
	// Revision is what the vendor holds now; only for [IsConflict].
	Revision *string
	// AfterMs is how long the vendor asked us to wait, in milliseconds; only for [IsTransient].
	AfterMs         *uint64
	VendorStatus    *uint16
	VendorRequestID *string
	Extra           []Pair
}

func (failure *Failure) Error() string { return failure.Message }

// Transient says that nothing was changed, and trying again may help.
func Transient(code, message string) *Failure {
	return &Failure{Case: IsTransient, Code: code, Message: message}
}

// Rejected says that it will never work as asked; `fields` are those that the vendor objected to.
func Rejected(code, message string, fields ...string) *Failure {
	return &Failure{Case: IsRejected, Code: code, Message: message, Fields: fields}
}

// Conflict says that the record moved under us.
func Conflict(code, message string) *Failure {
	return &Failure{Case: IsConflict, Code: code, Message: message}
}

// Denied says that there is trouble with credential or permission.
func Denied(code, message string) *Failure {
	return &Failure{Case: IsDenied, Code: code, Message: message}
}

// Uncertain says that the change may or may not have landed.
func Uncertain(code, message string) *Failure {
	return &Failure{Case: IsUncertain, Code: code, Message: message}
}

// NotFound says that the target has no such record.
func NotFound(of RecordRef) *Failure {
	return Rejected("not-found", fmt.Sprintf("the target has no record `%s/%s`", of.Kind, of.ID))
}

// UnknownOperation says that the operation is none of the connector's.
func UnknownOperation(name string) *Failure {
	return Rejected("unknown-operation", fmt.Sprintf("this connector has no operation `%s`", name))
}

// UnknownKind says that the record's kind is none of the connector's.
func UnknownKind(kind string) *Failure {
	return Rejected("unknown-kind", fmt.Sprintf("records of the kind `%s` cannot be used here", kind))
}

// Answered adds the status and the vendor's request id of an answer.
func (failure *Failure) Answered(answer *Answer) *Failure {
	failure.VendorStatus = Some(answer.Status())
	failure.VendorRequestID = answer.RequestID()
	return failure
}

// After says how long the vendor asked us to wait, in milliseconds; `nil` if it did not.
func (failure *Failure) After(ms *uint64) *Failure {
	failure.AfterMs = ms
	return failure
}
