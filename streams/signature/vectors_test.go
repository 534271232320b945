package signature_test

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/throughline/throughline/streams/signature"
)

// Vectors that somebody else published; where they are from stands with each.
var vectors = []struct {
	name   string
	proof  signature.Proof
	secret string
	from   signature.Request
	now    time.Time
}{
	{
		name: "RFC 4231, test case 2", secret: "Jefe",
		proof: signature.Proof{Method: signature.HMAC, Hash: "sha256", Signed: "{body}", Signature: signature.Place{Header: "X-Signature"}},
		from: signature.Request{Body: []byte("what do ya want for nothing?"),
			Headers: map[string][]string{"X-Signature": {"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"}}},
	},
	{
		name: "docs.github.com/webhooks, validating deliveries", secret: "It's a Secret to Everybody",
		proof: signature.Proof{Method: signature.HMAC, Hash: "sha256", Signed: "{body}", Signature: signature.Place{Header: "X-Hub-Signature-256", Prefix: "sha256="}},
		from: signature.Request{Body: []byte("Hello, World!"),
			Headers: map[string][]string{"X-Hub-Signature-256": {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}}},
	},
	{
		name: "docs.slack.dev, verifying requests from Slack", secret: "8f742231b10e8888abcd99yyyzzz85a5", now: time.Unix(1531420618, 0),
		proof: signature.Proof{Method: signature.HMAC, Hash: "sha256", Signed: "v0:{timestamp}:{body}", Signature: signature.Place{Header: "X-Slack-Signature", Prefix: "v0="},
			Timestamp: signature.Place{Header: "X-Slack-Request-Timestamp"}},
		from: signature.Request{Body: []byte("token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"),
			Headers: map[string][]string{"X-Slack-Signature": {"v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"}, "X-Slack-Request-Timestamp": {"1531420618"}}},
	},
	{
		name: "twilio-python, tests/unit/test_request_validator.py", secret: "12345",
		proof: signature.Proof{Method: signature.HMAC, Hash: "sha1", Encoding: "base64", Signed: "{url}{params}", Signature: signature.Place{Header: "X-Twilio-Signature"}},
		from: signature.Request{URL: "https://mycompany.com/myapp.php?foo=1&bar=2",
			Body:    []byte(url.Values{"CallSid": {"CA1234567890ABCDE"}, "Digits": {"1234"}, "From": {"+14158675309"}, "To": {"+18005551212"}, "Caller": {"+14158675309"}}.Encode()),
			Headers: map[string][]string{"X-Twilio-Signature": {"RSOYDt4T1cUTdK1PDd93/VVr8B8="}}},
	},
	{
		name:   "sendgrid-go, helpers/eventwebhook",
		secret: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==", now: time.Unix(1600112502, 0),
		proof: signature.Proof{Method: signature.ECDSA, Hash: "sha256", Encoding: "base64", Key: "base64", Signed: "{timestamp}{body}", Signature: signature.Place{Header: "X-Twilio-Email-Event-Webhook-Signature"},
			Timestamp: signature.Place{Header: "X-Twilio-Email-Event-Webhook-Timestamp"}},
		from: signature.Request{Body: []byte(`[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA","sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]` + "\r\n"),
			Headers: map[string][]string{"X-Twilio-Email-Event-Webhook-Timestamp": {"1600112502"},
				"X-Twilio-Email-Event-Webhook-Signature": {"MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="}}},
	},
	{
		name: "RFC 8032, test 2", secret: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
		proof: signature.Proof{Method: signature.Ed25519, Key: "hex", Signed: "{body}", Signature: signature.Place{Header: "X-Signature-Ed25519"}},
		from: signature.Request{Body: []byte{0x72}, Headers: map[string][]string{"X-Signature-Ed25519": {
			"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"}}},
	},
	{
		name: "RFC 7617", secret: "Aladdin:open sesame", proof: signature.Proof{Method: signature.Basic},
		from: signature.Request{Headers: map[string][]string{"Authorization": {"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}}},
	},
	{
		name: "a token in a header", secret: "s3cret", proof: signature.Proof{Method: signature.Token, Signature: signature.Place{Header: "X-Token"}},
		from: signature.Request{Headers: map[string][]string{"X-Token": {"s3cret"}}},
	},
	{
		// printf '%s\n' 1714112445 415670741 AAAAA | sort | tr -d '\n' | openssl sha1
		name: "WeChat, by openssl", secret: "AAAAA", now: time.Unix(1714112445, 0),
		proof: signature.Proof{Method: signature.Sorted, Signed: "{query:timestamp}{query:nonce}", Signature: signature.Place{Query: "signature"}, Timestamp: signature.Place{Query: "timestamp"}},
		from:  signature.Request{Query: url.Values{"signature": {"6c5c811b55cc85e0e1b54100749188c20beb3f5d"}, "timestamp": {"1714112445"}, "nonce": {"415670741"}}},
	},
}

func TestPublishedVectors(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			p := v.proof
			if err := p.Validate(); err != nil {
				t.Fatal(err)
			}
			if err := p.Verify(&v.from, []string{v.secret}, v.now); err != nil {
				t.Error(err)
			}
			if err := p.Verify(&v.from, []string{"another", v.secret}, v.now); err != nil && !errors.Is(err, signature.ErrBadSecret) {
				t.Errorf("as one of two secrets: %v", err)
			}
			if err := p.Verify(&v.from, nil, v.now); !errors.Is(err, signature.ErrNoSecret) {
				t.Errorf("without a secret: %v", err)
			}
			if err := p.Verify(&signature.Request{Body: v.from.Body}, []string{v.secret}, v.now); !errors.Is(err, signature.ErrMissing) {
				t.Errorf("without a signature: %v", err)
			}
			if p.Signed != "" && p.Method != signature.Sorted {
				forged := v.from
				forged.Body = append([]byte("a=1&"), v.from.Body...)
				if err := p.Verify(&forged, []string{v.secret}, v.now); !errors.Is(err, signature.ErrForged) {
					t.Errorf("of another body: %v", err)
				}
			}
			if p.Timestamp.Given() {
				for _, off := range []time.Duration{-p.Window - time.Second, p.Window + time.Second} {
					if err := p.Verify(&v.from, []string{v.secret}, v.now.Add(off)); !errors.Is(err, signature.ErrStale) {
						t.Errorf("%s off: %v", off, err)
					}
				}
			}
		})
	}
}

// While a provider replaces its secret it signs with both, in one header.
func TestOneOfSeveralSignaturesInAHeader(t *testing.T) {
	p := signature.Proof{Method: signature.HMAC, Hash: "sha256", Signed: "{body}", Signature: signature.Place{Header: "Signature", Part: "v1"}}
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	good, err := p.Sign([]byte("{}"), "new")
	if err != nil {
		t.Fatal(err)
	}
	r := &signature.Request{Body: []byte("{}"), Headers: map[string][]string{"Signature": {"t=1, v0=x, v1=zz,v1=" + good}}}
	if err := p.Verify(r, []string{"old", "new"}, time.Time{}); err != nil {
		t.Error(err)
	}
	if err := p.Verify(r, []string{"old"}, time.Time{}); !errors.Is(err, signature.ErrForged) {
		t.Errorf("got %v", err)
	}
}

func TestProofsThatMakeNoSense(t *testing.T) {
	at := signature.Place{Header: "X"}
	for _, p := range []signature.Proof{
		{}, {Method: "md5"}, {Method: signature.HMAC}, {Method: signature.HMAC, Signed: "{body}", Hash: "sha256"}, {Method: signature.HMAC, Signed: "{body}", Hash: "md5", Signature: at},
		{Method: signature.HMAC, Signed: "{nothing}", Hash: "sha256", Signature: at}, {Method: signature.HMAC, Signed: "{body", Hash: "sha256", Signature: at},
		{Method: signature.HMAC, Signed: "{header}", Hash: "sha256", Signature: at}, {Method: signature.HMAC, Signed: "{timestamp}{body}", Hash: "sha256", Signature: at},
		{Method: signature.HMAC, Signed: "{body}", Hash: "sha256", Signature: at, Encoding: "base32"}, {Method: signature.HMAC, Signed: "{body}", Hash: "sha256", Signature: at, Key: "roman"},
		{Method: signature.HMAC, Signed: "{body}", Hash: "sha256", Signature: at, Timestamp: at, Window: 48 * time.Hour}, {Method: signature.Token}, {Method: signature.URLKey, Signature: at},
		{Method: signature.HMAC, Signed: "{body}", Hash: "sha256", Signature: at, Timestamp: at, TimestampFormat: "roman"}, {Method: signature.Basic, Or: &signature.Proof{Method: signature.URLKey}},
	} {
		if err := p.Validate(); err == nil {
			t.Errorf("%+v is good", p)
		}
	}
}

// FuzzVerify: whatever is in a request, it is judged, and not good.
func FuzzVerify(f *testing.F) {
	f.Add("t=1,v1=00", "1531420618", []byte("{}"), uint8(0))
	f.Fuzz(func(t *testing.T, sig, at string, body []byte, which uint8) {
		v := vectors[int(which)%len(vectors)]
		p := v.proof
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		r := &signature.Request{URL: "https://x/" + at, Body: body, Query: url.Values{"signature": {sig}, "timestamp": {at}}, Headers: map[string][]string{
			"X-Signature": {sig}, "X-Hub-Signature-256": {sig}, "Authorization": {sig}, "X-Slack-Signature": {sig}, "X-Slack-Request-Timestamp": {at}, "X-Twilio-Signature": {sig}}}
		if err := p.Verify(r, []string{"nobody knows this"}, time.Unix(1531420618, 0)); err == nil {
			t.Errorf("%s takes %q", v.name, sig)
		}
	})
}
