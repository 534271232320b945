module github.com/throughline/throughline/streams

go 1.26.0

require github.com/throughline/throughline/schemas v0.0.0

require (
	github.com/segmentio/asm v1.1.3 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

require (
	github.com/arran4/golang-ical v0.3.4
	github.com/emersion/go-message v0.18.2
	github.com/expr-lang/expr v1.17.8
	github.com/goccy/go-yaml v1.19.2
	github.com/nyaruka/phonenumbers v1.8.1
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3
	github.com/segmentio/encoding v0.5.4
	golang.org/x/net v0.62.0
	golang.org/x/text v0.43.0
	google.golang.org/protobuf v1.36.11 // indirect
	pgregory.net/rapid v1.3.0
)

replace github.com/throughline/throughline/schemas => ../schemas
