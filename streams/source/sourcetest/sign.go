package sourcetest

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

func toSign(s *source.Source, r *source.Request) *signature.Request {
	return &signature.Request{Method: r.Method, URL: r.URL, Query: r.Query, Headers: r.Headers, Body: r.Body,
		Field: func(path string) string {
			v, err := mapping.ParseBody(s.Mapping.Format, r.Headers.Get("Content-Type"), r.Body)
			if err != nil {
				return ""
			}
			return mapping.Text(mapping.Body{Value: v}, path)
		}}
}

// Proof is how the request proves itself: nobody here can sign for who has a certificate, so it has what stands for that.
func (f *Fixture) Proof() *signature.Proof {
	p := &f.Source.Proof
	if p.Or != nil && (p.Method == signature.Certificate || p.Signature.Value(toSign(f.Source, f.Request)) == "") {
		return p.Or
	}
	return p
}

// Sign signs the request as its provider would, in place of the signature that it has.
func (f *Fixture) Sign(tb testing.TB) {
	tb.Helper()
	p, r := f.Proof(), f.Request
	secret := f.Secrets[p.Secret]
	text := ""
	switch p.Method {
	case signature.HMAC:
		s, err := p.Sign(p.SignedText(toSign(f.Source, r)), secret)
		if err != nil {
			tb.Fatal(err)
		}
		text = s
	case signature.Token:
		text = secret
	case signature.Basic:
		r.Headers = cloneHeaders(r.Headers)
		r.Headers.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(secret)))
		return
	case signature.Sorted:
		all := append(p.SignedValues(toSign(f.Source, r)), secret)
		slices.Sort(all)
		sum := sha1.Sum([]byte(strings.Join(all, "")))
		text = hex.EncodeToString(sum[:])
	default:
		tb.Fatalf("%s carries no signature, and nobody can make one of %s here", f.Name, p.Method)
	}
	f.place(tb, p.Signature, text)
}

func (f *Fixture) place(tb testing.TB, at signature.Place, text string) {
	tb.Helper()
	r := f.Request
	text = at.Prefix + text
	if at.Part != "" {
		text = at.Part + "=" + text
	}
	switch {
	case at.Header != "":
		r.Headers = cloneHeaders(r.Headers)
		r.Headers.Set(at.Header, text)
	case at.Query != "":
		path, _, _ := strings.Cut(r.URL, "?")
		r.Query.Set(at.Query, text)
		r.URL = path + "?" + r.Query.Encode()
	default:
		tb.Fatalf("%s: a signature in the body must be there", f.Name)
	}
}

func cloneHeaders(h textproto.MIMEHeader) textproto.MIMEHeader {
	out := textproto.MIMEHeader{}
	for name, values := range h {
		out[name] = slices.Clone(values)
	}
	return out
}
