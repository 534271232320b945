package signature

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
)

// parts of a template: what stands between braces, and how it is found.
var parts = map[string]func(p *Proof, r *Request, name string) string{
	"body":      func(_ *Proof, r *Request, name string) string { return bodyPart(r, name) },
	"timestamp": func(p *Proof, r *Request, _ string) string { return p.Timestamp.Value(r) },
	"url":       func(_ *Proof, r *Request, _ string) string { return r.URL },
	"params":    func(_ *Proof, r *Request, _ string) string { return params(r.Body) },
	"header":    func(_ *Proof, r *Request, name string) string { return r.Header(name) },
	"query":     func(_ *Proof, r *Request, name string) string { return r.Query.Get(name) },
}

func bodyPart(r *Request, path string) string {
	switch {
	case path == "":
		return string(r.Body)
	case r.Field == nil:
		return ""
	}
	return r.Field(path)
}

// params are a form's names and values, sorted by name and then by value, with nothing between (Twilio).
func params(body []byte) string {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return ""
	}
	var b strings.Builder
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		all := slices.Clone(values[name])
		slices.Sort(all)
		for _, v := range slices.Compact(all) {
			b.WriteString(name)
			b.WriteString(v)
		}
	}
	return b.String()
}

// each calls text and part for what a template is made of.
func each(template string, text func(string), part func(kind, name string) error) error {
	for template != "" {
		before, rest, ok := strings.Cut(template, "{")
		if before != "" {
			text(before)
		}
		if !ok {
			return nil
		}
		inside, after, closed := strings.Cut(rest, "}")
		if !closed {
			return fmt.Errorf("signed: %q opens a brace that it does not close", template)
		}
		kind, name, _ := strings.Cut(inside, ":")
		if err := part(kind, name); err != nil {
			return err
		}
		template = after
	}
	return nil
}

func checkTemplate(template string) error {
	return each(template, func(string) {}, func(kind, name string) error {
		named := kind == "header" || kind == "query"
		if parts[kind] == nil || named != (name != "") && kind != "body" {
			return fmt.Errorf("signed: {%s} is none of {body}, {body:PATH}, {timestamp}, {url}, {params}, {header:NAME}, {query:NAME}", strings.TrimSuffix(kind+":"+name, ":"))
		}
		return nil
	})
}

// SignedText is the text that the signature is of.
func (p *Proof) SignedText(r *Request) []byte {
	var b bytes.Buffer
	p.writeSigned(&b, r)
	return b.Bytes()
}

// writeSigned writes that text to a hash, without a copy of the body.
func (p *Proof) writeSigned(w io.Writer, r *Request) {
	_ = each(p.Signed, func(s string) { _, _ = io.WriteString(w, s) }, func(kind, name string) error { // Validate has seen the template
		if kind == "body" && name == "" {
			_, _ = w.Write(r.Body)
			return nil
		}
		_, _ = io.WriteString(w, parts[kind](p, r, name))
		return nil
	})
}

// SignedValues are the parts of the template, apart, as Sorted needs them.
func (p *Proof) SignedValues(r *Request) (out []string) {
	_ = each(p.Signed, func(string) {}, func(kind, name string) error {
		out = append(out, parts[kind](p, r, name))
		return nil
	})
	return out
}
