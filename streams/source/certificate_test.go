package source_test

import (
	"bytes"
	"errors"
	"net/textproto"
	"testing"
	"time"

	"github.com/throughline/throughline/streams/signature"
	"github.com/throughline/throughline/streams/source"
	"github.com/throughline/throughline/streams/source/sourcetest"
)

// The rules for the address of the certificate, with the examples of Amazon's documentation:
// https://developer.amazon.com/docs/alexa/custom-skills/host-a-custom-skill-as-a-web-service.html
var addresses = []struct {
	given string
	want  string // empty: nobody looks there
}{
	{"https://s3.amazonaws.com/echo.api/echo-api-cert.pem", "https://s3.amazonaws.com/echo.api/echo-api-cert.pem"},
	{"https://s3.amazonaws.com:443/echo.api/echo-api-cert.pem", "https://s3.amazonaws.com/echo.api/echo-api-cert.pem"},
	{"https://s3.amazonaws.com/echo.api/../echo.api/echo-api-cert.pem", "https://s3.amazonaws.com/echo.api/echo-api-cert.pem"},
	{"HTTPS://S3.AmazonAWS.com/echo.api/echo-api-cert.pem", "https://s3.amazonaws.com/echo.api/echo-api-cert.pem"},
	{"http://s3.amazonaws.com/echo.api/echo-api-cert.pem", ""},
	{"https://notamazon.com/echo.api/echo-api-cert.pem", ""},
	{"https://s3.amazonaws.com/EcHo.aPi/echo-api-cert.pem", ""},
	{"https://s3.amazonaws.com/invalid.path/echo-api-cert.pem", ""},
	{"https://s3.amazonaws.com:563/echo.api/echo-api-cert.pem", ""},
	{"https://s3.amazonaws.com/echo.api/../other/cert.pem", ""},
	{"https://s3.amazonaws.com/echo.api/%2e%2e/other/cert.pem", ""},
	{"https://s3.amazonaws.com/echo.api", ""},
	{"https://s3.amazonaws.com@evil.example/echo.api/cert.pem", ""},
	{"https://user@s3.amazonaws.com/echo.api/cert.pem", ""},
	{"https://s3.amazonaws.com/echo.api/cert.pem?x=1", ""},
	{"https:s3.amazonaws.com/echo.api/cert.pem", ""},
	{"//s3.amazonaws.com/echo.api/cert.pem", ""},
	{"%", ""},
}

// spoken is a request as Alexa makes it, signed by sign; the address of the certificate is given.
func spoken(body []byte, address string, sign func([]byte) string) *source.Request {
	return &source.Request{Method: "POST", URL: "https://throughline.example/v1/sources/alexa/KEY", Body: body, Headers: textproto.MIMEHeader{
		"Content-Type": {"application/json"}, "Signature-256": {sign(body)}, "Signaturecertchainurl": {address}}}
}

func nobody(string) []string { return nil }

func TestAddressesOfCertificates(t *testing.T) {
	alexa := sourcetest.Load(t, "alexa").NewReader(nil)
	body := []byte(`{"version":"1.0","session":{"sessionId":"s","user":{"userId":"u"}},"request":{"type":"IntentRequest","requestId":"r","timestamp":"2026-03-01T12:00:00Z","locale":"de-DE"}}`)
	for _, a := range addresses {
		_, err := alexa.Read(spoken(body, a.given, func([]byte) string { return "AAAA" }), nobody, time.Date(2026, 3, 1, 12, 0, 5, 0, time.UTC))
		wanted := (*signature.WantedError)(nil)
		switch {
		case a.want == "" && !errors.Is(err, signature.ErrForged):
			t.Errorf("%s: %v", a.given, err)
		case a.want != "" && (!errors.As(err, &wanted) || wanted.URL != a.want):
			t.Errorf("%s: %v, want %s", a.given, err, a.want)
		}
	}
}

func TestSignedByAmazon(t *testing.T) {
	const name, address = "echo-api.amazon.com", "https://s3.amazonaws.com/echo.api/echo-api-cert-14.pem"
	body := []byte(`{"version":"1.0","session":{"sessionId":"s","user":{"userId":"u"}},"request":{"type":"IntentRequest","requestId":"r","timestamp":"2026-03-01T12:00:00Z","locale":"de-DE","intent":{"name":"WhereIsMyOrder"}}}`)
	now := time.Date(2026, 3, 1, 12, 0, 5, 0, time.UTC)
	amazon, stranger := sourcetest.NewIssuer(t, 2020), sourcetest.NewIssuer(t, 2020)
	chain, sign := amazon.Signer(t, name, now.AddDate(0, -1, 0), now.AddDate(1, 0, 0))
	otherChain, otherSign := stranger.Signer(t, name, now.AddDate(0, -1, 0), now.AddDate(1, 0, 0))
	foreignChain, foreignSign := amazon.Signer(t, "evil.example", now.AddDate(0, -1, 0), now.AddDate(1, 0, 0))
	expiredChain, expiredSign := amazon.Signer(t, name, now.AddDate(-2, 0, 0), now.AddDate(0, 0, -1))
	alone, _, _ := bytes.Cut(chain, []byte("-----END CERTIFICATE-----\n"))
	alone = append(alone, "-----END CERTIFICATE-----\n"...)
	alexa := sourcetest.Load(t, "alexa").NewReader(nil)
	for _, c := range []struct {
		name  string
		chain []byte
		sign  func([]byte) string
		now   time.Time
		want  error
	}{
		{"good", chain, sign, now, nil},
		{"150 seconds old", chain, sign, now.Add(145 * time.Second), nil},
		{"too old", chain, sign, now.Add(146 * time.Second), signature.ErrStale},
		{"from the future", chain, sign, now.Add(-156 * time.Second), signature.ErrStale},
		{"of another body", chain, func(b []byte) string { return sign(append([]byte(" "), b...)) }, now, signature.ErrForged},
		{"of another key", chain, otherSign, now, signature.ErrForged},
		{"of an authority that nobody trusts", otherChain, otherSign, now, signature.ErrForged},
		{"for another name", foreignChain, foreignSign, now, signature.ErrForged},
		{"expired", expiredChain, expiredSign, now, signature.ErrForged},
		{"without the authority between", alone, sign, now, signature.ErrForged},
		{"no certificate", []byte("oops"), sign, now, signature.ErrForged},
		{"not base64", chain, func([]byte) string { return "!" }, now, signature.ErrForged},
	} {
		request := spoken(body, address, c.sign)
		request.Certificates = &signature.Certificates{Chain: c.chain, Roots: amazon.Roots}
		result, err := alexa.Read(request, nobody, c.now)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if err == nil && (len(result.Items) != 1 || len(result.Items[0].Touchpoint) == 0) {
			t.Errorf("%s became %+v", c.name, result)
		}
	}
	unsigned := spoken(body, address, sign)
	unsigned.Headers.Del("Signature-256")
	if _, err := alexa.Read(unsigned, func(string) []string { return []string{"s"} }, now); !errors.Is(err, signature.ErrMissing) {
		t.Errorf("without a signature: %v", err)
	}
	unaddressed := spoken(body, address, sign)
	unaddressed.Headers.Del("SignatureCertChainUrl")
	if _, err := alexa.Read(unaddressed, nobody, now); !errors.Is(err, signature.ErrMissing) {
		t.Errorf("without the address of a certificate: %v", err)
	}
}
