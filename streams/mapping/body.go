package mapping

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"
	"unicode/utf8"
)

// ErrBadBody is returned for a body that is not what the mapping's format says.
var ErrBadBody = errors.New("mapping: not a body of this format")

const (
	maxParts = 1000 // of a form
	maxDepth = 64   // of XML
)

// ParseBody reads a request's body, which must not be changed while the result is in use: JSON, strictly (package strictjson); of a form's fields, each a text, a list of texts when it is there
// several times, or, for a file, its filename, content_type, size and sha256; of XML's elements below the root, by the same rule.
// contentType matters for forms alone. The error wraps ErrBadBody.
func ParseBody(format Format, contentType string, body []byte) (any, error) {
	return parseBody(format, contentType, body, new(jsonBody))
}

// Parse is ParseBody in the mapping's format. What it returns is good until the run parses the next.
func (r *Run) Parse(contentType string, body []byte) (any, error) {
	if cap(r.parsed.nodes) > keepNodes {
		r.parsed.nodes = nil
	}
	return parseBody(r.m.Format, contentType, body, &r.parsed)
}

// keepNodes is how many values of a body a run keeps memory for: those of some 100 KB.
const keepNodes = 4096

func parseBody(format Format, contentType string, body []byte, index *jsonBody) (any, error) {
	var v any
	var err error
	switch format {
	case JSON:
		if index, err = parseJSON(body, index); err == nil {
			v = index.root()
		}
	case Form:
		v, err = parseForm(contentType, body)
	case XML:
		v, err = parseXML(body)
	default:
		err = fmt.Errorf("%s is not the format of a body", format)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrBadBody, format, err)
	}
	return v, nil
}

// bodyFields collects texts by name.
type bodyFields map[string]any

func (f bodyFields) add(name string, v any) {
	switch there := f[name].(type) {
	case nil:
		f[name] = v
	case []any:
		f[name] = append(there, v)
	default:
		f[name] = []any{there, v}
	}
}

func parseForm(contentType string, body []byte) (any, error) {
	mediaType, parameters, err := mime.ParseMediaType(contentType)
	if err == nil && mediaType == "multipart/form-data" {
		return parseMultipart(parameters["boundary"], body)
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	out := bodyFields{}
	for name, all := range values {
		for _, v := range all {
			out.add(name, v)
		}
	}
	return map[string]any(out), nil
}

func parseMultipart(boundary string, body []byte) (any, error) {
	out := bodyFields{}
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for n := 0; ; n++ {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return map[string]any(out), nil
		}
		if err != nil {
			return nil, err
		}
		if n == maxParts {
			return nil, fmt.Errorf("more than %d parts", maxParts)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		if part.FileName() == "" {
			out.add(part.FormName(), string(content))
			continue
		}
		sum := sha256.Sum256(content)
		out.add(part.FormName(), map[string]any{
			"filename": part.FileName(), "content_type": part.Header.Get("Content-Type"),
			"size": json.Number(fmt.Sprint(len(content))), "sha256": hex.EncodeToString(sum[:]),
		})
	}
}

// parseXML reads elements: one that has elements in it becomes an object, any other its text. Attributes come as "@name".
func parseXML(body []byte) (any, error) {
	dec := xml.NewDecoder(bytes.NewReader(body))
	for {
		t, err := dec.Token()
		if err != nil {
			return nil, err
		}
		if start, ok := t.(xml.StartElement); ok {
			v, err := element(dec, start, 1)
			if err != nil {
				return nil, err
			}
			if _, ok := v.(map[string]any); !ok {
				return nil, errors.New("there are no elements in it")
			}
			return v, nil
		}
	}
}

func element(dec *xml.Decoder, start xml.StartElement, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	members := bodyFields{}
	for _, a := range start.Attr {
		members.add("@"+a.Name.Local, a.Value)
	}
	var text strings.Builder
	for {
		t, err := dec.Token()
		if err != nil {
			return nil, err
		}
		switch x := t.(type) {
		case xml.StartElement:
			v, err := element(dec, x, depth+1)
			if err != nil {
				return nil, err
			}
			members.add(x.Name.Local, v)
		case xml.CharData:
			text.Write(x)
		case xml.EndElement:
			if len(members) == 0 {
				return text.String(), nil
			}
			if s := strings.TrimSpace(text.String()); s != "" && utf8.ValidString(s) {
				members.add("#text", s)
			}
			return map[string]any(members), nil
		}
	}
}
