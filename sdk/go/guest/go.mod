// The bindings, and what they run on, are made by `countersign connector build`.
module countersign/guest

go 1.25
