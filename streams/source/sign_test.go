package source_test

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/throughline/throughline/streams/mapping"
	"github.com/throughline/throughline/streams/signature"
	"github.com/throughline/throughline/streams/source"
)

func toSign(r *source.Request) *signature.Request {
	return &signature.Request{Method: r.Method, URL: r.URL, Query: r.Query, Headers: r.Headers, Body: r.Body,
		Field: func(path string) string {
			format := mapping.JSON
			if strings.Contains(r.Headers.Get("Content-Type"), "form") {
				format = mapping.Form
			}
			v, err := mapping.ParseBody(format, r.Headers.Get("Content-Type"), r.Body)
			if err != nil {
				return ""
			}
			return mapping.Text(mapping.Body{Value: v}, path)
		}}
}

// signFixture signs a request as its provider would.
func signFixture(t testing.TB, fx *fixture) {
	t.Helper()
	p, r := &fx.source.Proof, fx.request
	secret := fx.secrets[p.Secret]
	text := ""
	switch p.Method {
	case signature.HMAC:
		s, err := p.Sign(p.SignedText(toSign(r)), secret)
		if err != nil {
			t.Fatal(err)
		}
		text = s
	case signature.Token:
		text = secret
	case signature.Basic:
		place(r, signature.Place{Header: "Authorization"}, basic(secret))
		return
	case signature.Sorted:
		all := append(p.SignedValues(toSign(r)), secret)
		slices.Sort(all)
		sum := sha1.Sum([]byte(strings.Join(all, "")))
		text = hex.EncodeToString(sum[:])
	default:
		t.Fatalf("%s carries no signature, and this test cannot make one of %s", fx.path, p.Method)
	}
	place(r, p.Signature, text)
}

func place(r *source.Request, at signature.Place, text string) {
	text = at.Prefix + text
	if at.Part != "" {
		text = at.Part + "=" + text
	}
	if at.Query != "" {
		r.Query.Set(at.Query, text)
		return
	}
	r.Headers = cloneHeaders(r.Headers)
	r.Headers.Set(at.Header, text)
}

func cloneHeaders(h textproto.MIMEHeader) textproto.MIMEHeader {
	out := textproto.MIMEHeader{}
	for name, values := range h {
		out[name] = slices.Clone(values)
	}
	return out
}

func basic(secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(secret))
}
