package collect

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/segmentio/encoding/json"

	"github.com/throughline/throughline/schemas/strictjson"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/kafka"
)

// cloudEvent is what a CloudEvent (version 1.0 of the specification) says that a touchpoint needs: its attributes
// fill what data leaves out. Extensions are passed over.
type cloudEvent struct {
	ID          string
	Source      string
	Type        string
	SpecVersion string
	Time        string
	MediaType   string // datacontenttype
	Data        []byte // JSON
}

func (e *cloudEvent) carrier() touchpoint.Carrier {
	return touchpoint.Carrier{ID: e.ID, Time: e.Time, Source: e.Source}
}

// event judges data, which is one CloudEvent in structured mode.
func (b *batch) event(data []byte) *touchpoint.FieldError {
	e, why := parseEvent(data)
	if why == nil {
		why = b.eventData(&e)
	}
	if why != nil {
		b.refuse(data, why)
	}
	return why
}

// eventData judges the touchpoint of an event.
func (b *batch) eventData(e *cloudEvent) *touchpoint.FieldError {
	carrier := e.carrier()
	if carrier.Time == "" {
		carrier.Time = b.options.Carrier.Time // of the record that brought it
	}
	_, why := b.judge(e.Data, carrier)
	if why != nil && !why.Carried {
		inData := *why
		inData.Field = strings.TrimSuffix("data."+why.Field, ".")
		return &inData
	}
	return why // nil, or about an attribute
}

// events judges a body that is an array of CloudEvents.
func (b *batch) events(body []byte) (broken *touchpoint.FieldError, err error) {
	if i := skipSpace(body, 0); i == len(body) || body[i] != '[' {
		return b.rest(body, 0, "want an array of CloudEvents"), nil
	}
	return b.elements(body, func(rest []byte) (int, bool) {
		n, ok := strictjson.Extent(rest)
		if ok {
			b.event(rest[:n])
		}
		return n, ok
	})
}

// binaryEvent judges a CloudEvent in binary mode: attributes in headers, the touchpoint as the body.
func (b *batch) binaryEvent(h http.Header, body []byte) (broken *touchpoint.FieldError) {
	e, why := headerEvent(h)
	return b.binary(&e, why, body)
}

// binary judges an event whose attributes were read, or why they were not.
func (b *batch) binary(e *cloudEvent, why *touchpoint.FieldError, body []byte) (broken *touchpoint.FieldError) {
	e.Data = body
	if why == nil {
		why = e.check()
	}
	if why == nil {
		why = b.eventData(e)
	}
	if why == nil {
		return nil
	}
	// The dead letter is the event in structured mode: resent from its body alone it would lose its headers.
	data := body
	if !why.Syntax {
		data = e.structured()
	}
	b.refuse(data, why)
	if why.Syntax {
		return why
	}
	return nil
}

// parseEvent reads an event in structured mode. Data aliases data.
func parseEvent(data []byte) (e cloudEvent, why *touchpoint.FieldError) {
	whole := strictjson.NewCursor(data)
	if whole.Skip(); whole.Err() == nil {
		whole.End()
	}
	if err := whole.Err(); err != nil {
		return e, &touchpoint.FieldError{Reason: err.Error(), Syntax: err.Syntax}
	}
	c := strictjson.NewCursor(data)
	if c.Peek() != '{' {
		return e, &touchpoint.FieldError{Reason: "want a CloudEvent, which is an object"}
	}
	base64d := false
	for c.Open('{'); c.More('}'); {
		name := c.Key()
		if name == "data" {
			e.Data = c.Skip()
			continue
		}
		to := e.attribute(name)
		if name == "data_base64" {
			to = new(string)
			base64d = true
		}
		if to == nil {
			c.Skip() // an extension
			continue
		}
		if b := c.Peek(); b != '"' {
			return e, &touchpoint.FieldError{Field: name, Reason: "want a string"}
		}
		*to = c.String()
		if name == "data_base64" {
			plain, err := base64.StdEncoding.DecodeString(*to)
			if err != nil {
				return e, &touchpoint.FieldError{Field: name, Reason: "want base64 (RFC 4648): " + err.Error()}
			}
			e.Data = plain
		}
	}
	if e.Data == nil && !base64d {
		return e, &touchpoint.FieldError{Field: "data", Reason: "missing; want the touchpoint here"}
	}
	return e, e.check()
}

func (e *cloudEvent) attribute(name string) *string {
	switch name {
	case "id":
		return &e.ID
	case "source":
		return &e.Source
	case "type":
		return &e.Type
	case "specversion":
		return &e.SpecVersion
	case "time":
		return &e.Time
	case "datacontenttype":
		return &e.MediaType
	}
	return nil
}

// headerEvent reads the attributes of an event in binary mode.
func headerEvent(h http.Header) (e cloudEvent, why *touchpoint.FieldError) {
	for name, to := range map[string]*string{"Ce-Id": &e.ID, "Ce-Source": &e.Source, "Ce-Type": &e.Type,
		"Ce-Specversion": &e.SpecVersion, "Ce-Time": &e.Time} {
		// The HTTP binding writes what is not printable ASCII in percent-encoded UTF-8.
		plain, err := url.PathUnescape(h.Get(name))
		if err != nil {
			return e, &touchpoint.FieldError{Field: strings.ToLower(name), Reason: "want percent-encoded UTF-8: " + err.Error()}
		}
		*to = plain
	}
	return e, nil
}

// recordEvent reads the attributes of an event in the binary mode of the Kafka protocol binding (version 1.0.2): headers ce_ with plain
// UTF-8, and content-type. ok is false when the record is no such event.
func recordEvent(headers []kafka.Header) (e cloudEvent, ok bool) {
	for _, h := range headers {
		name, attribute := strings.CutPrefix(h.Key, "ce_")
		switch {
		case strings.EqualFold(h.Key, contentType):
			e.MediaType = string(h.Value)
		case attribute:
			if to := e.attribute(name); to != nil && name != "datacontenttype" {
				*to = string(h.Value)
			}
			ok = ok || name == "specversion"
		}
	}
	return e, ok
}

// contentType is the header of a record that says what its value is.
const contentType = "content-type"

// isEventType tells whether a media type is that of an event in structured mode.
func isEventType(mediaType string) bool {
	name, parameters, _ := strings.Cut(mediaType, ";")
	return strings.EqualFold(strings.TrimSpace(name), "application/cloudevents+json") && utf8Parameters(parameters)
}

// check looks at what the specification requires.
func (e *cloudEvent) check() *touchpoint.FieldError {
	if e.SpecVersion != "1.0" {
		return &touchpoint.FieldError{Field: "specversion", Reason: fmt.Sprintf("want 1.0, got %q", e.SpecVersion)}
	}
	for _, required := range [...]struct{ name, value string }{{"id", e.ID}, {"source", e.Source}, {"type", e.Type}} {
		if required.value == "" {
			return &touchpoint.FieldError{Field: required.name, Reason: "missing; a CloudEvent has an id, a source and a type"}
		}
		if !utf8.ValidString(required.value) {
			return &touchpoint.FieldError{Field: required.name, Reason: "not UTF-8"}
		}
	}
	if e.MediaType != "" && !isJSON(e.MediaType) {
		return &touchpoint.FieldError{Field: "datacontenttype", Reason: fmt.Sprintf("want application/json, got %q", e.MediaType)}
	}
	return nil
}

// structured writes the event in structured mode.
func (e *cloudEvent) structured() []byte {
	out := []byte("{")
	for _, a := range [...]struct{ name, value string }{{"specversion", e.SpecVersion}, {"id", e.ID}, {"source", e.Source},
		{"type", e.Type}, {"time", e.Time}} {
		if a.value == "" {
			continue
		}
		value, err := json.Marshal(a.value)
		if err != nil {
			panic(err) // strings always encode
		}
		out = append(append(append(append(append(out, '"'), a.name...), `":`...), value...), ',')
	}
	return append(append(append(out, `"data":`...), e.Data...), '}')
}

// isEvent tells whether an object is a CloudEvent: a touchpoint has no field of this name.
func isEvent(data []byte) bool {
	c := strictjson.NewCursor(data)
	if c.Peek() != '{' {
		return false
	}
	for c.Open('{'); c.More('}'); {
		if c.Key() == "specversion" {
			return c.Err() == nil
		}
		c.Skip()
	}
	return false
}
