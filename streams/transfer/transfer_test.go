package transfer

import (
	"encoding/base64"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/transfer"
)

var secret, others = []byte("secret of ours"), []byte("secret of theirs")

const id = "0102030405060708090a0b0c"

func TestTokens(t *testing.T) {
	token, err := Token(secret, "ours", id, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ReadToken(secret, "ours", token, 999); got != id || err != nil {
		t.Errorf("%s %v", got, err)
	}
	if got, err := ReadToken(secret, "ours", token, 1000); got != id || !errors.Is(err, ErrExpired) {
		t.Errorf("expired: %s %v", got, err)
	}
	for name, read := range map[string]func() (string, error){
		"another workspace": func() (string, error) { return ReadToken(others, "theirs", token, 0) },
		"another name":      func() (string, error) { return ReadToken(secret, "theirs", token, 0) },
		"empty":             func() (string, error) { return ReadToken(secret, "ours", "", 0) },
		"longer":            func() (string, error) { return ReadToken(secret, "ours", token+"A", 0) },
		"padded":            func() (string, error) { return ReadToken(secret, "ours", token+"=", 0) },
	} {
		if got, err := read(); got != "" || !errors.Is(err, ErrForged) {
			t.Errorf("%s: %s %v", name, got, err)
		}
	}
	raw, _ := base64.RawURLEncoding.DecodeString(token)
	for i := range raw { // its end among them: nobody lives longer by turning a bit
		for bit := range 8 {
			raw[i] ^= 1 << bit
			if got, err := ReadToken(secret, "ours", base64.RawURLEncoding.EncodeToString(raw), 0); !errors.Is(err, ErrForged) {
				t.Errorf("with bit %d of byte %d turned: %s %v", bit, i, got, err)
			}
			raw[i] ^= 1 << bit
		}
	}
	if _, err := Token(secret, "ours", "x", 1); err == nil {
		t.Error("x is an id")
	}
}

func FuzzReadToken(f *testing.F) {
	token, _ := Token(others, "ours", id, 1<<40)
	f.Add(token)
	f.Fuzz(func(t *testing.T, token string) {
		if got, err := ReadToken(secret, "ours", token, 0); got != "" || !errors.Is(err, ErrForged) {
			t.Errorf("%q is a token: %s %v", token, got, err)
		}
	})
}

func TestCodes(t *testing.T) {
	for said, want := range map[string]string{"1234 5678": "12345678", "1234-56.78": "12345678", "1234567": "", "12345678x": "", "": "", "١٢٣٤٥٦٧٨": ""} {
		if got, ok := PlainCode(said); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q %v", said, got, ok)
		}
	}
	if code := Code([]byte{0, 0, 0, 0, 0, 0, 0, 7}); code != "00000007" {
		t.Error(code)
	}
	if HashCode(secret, "ours", "12345678") == HashCode(secret, "theirs", "12345678") {
		t.Error("the code of one workspace is another's")
	}
	if Attempt(secret, "ours", id, "a", "b", []string{"c"}) == Attempt(secret, "ours", id, "ab", "", []string{"c"}) {
		t.Error("parts run into each other")
	}
}

func offer(expires int64) *transfer.Record {
	return &transfer.Record{Workspace: "ours", ID: id, Offer: &transfer.Offer{Channel: "app", Expires: expires, Code: "hash", CodeExpires: expires / 2}}
}

func claim(attempt string) *transfer.Record {
	return &transfer.Record{Workspace: "ours", ID: id, At: int64(len(attempt)), Claim: &transfer.Claim{Attempt: attempt}}
}

func TestBook(t *testing.T) {
	b := NewBook()
	b.Apply(claim("before it was offered"))
	b.Apply(offer(1000))
	b.Apply(offer(9999)) // the first counts
	may := func(want error, workspace, channel, attempt string, now int64) {
		t.Helper()
		if err := b.May(workspace, id, channel, attempt, now); !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Errorf("%s %s %s %d: %v, want %v", workspace, channel, attempt, now, err, want)
		}
	}
	may(nil, "ours", "app", "a", 999)
	may(ErrExpired, "ours", "app", "a", 1000)
	may(ErrChannel, "ours", "chat", "a", 0)
	may(ErrForged, "theirs", "app", "a", 0)
	if got, err := b.ByCode("ours", "hash", 499); got != id || err != nil {
		t.Errorf("%s %v", got, err)
	}
	if _, err := b.ByCode("ours", "hash", 500); !errors.Is(err, ErrExpired) {
		t.Error(err)
	}
	if _, err := b.ByCode("theirs", "hash", 0); !errors.Is(err, ErrForged) {
		t.Error(err)
	}
	b.Apply(claim("first"))
	b.Apply(claim("second"))
	may(nil, "ours", "app", "first", 999)
	may(ErrUsed, "ours", "app", "second", 999)
	may(ErrUsed, "ours", "app", "second", 2000) // used, whatever the time
	if attempt, at := b.Claimed("ours", id); attempt != "first" || at != 5 {
		t.Errorf("%s %d", attempt, at)
	}
	if b.Forget(1000); b.Len() != 1 {
		t.Error("forgotten too early")
	}
	if b.Forget(1001); b.Len() != 0 {
		t.Error("not forgotten")
	}
	may(ErrForged, "ours", "app", "first", 0)
}

// Whatever claims come in whatever order, and however often the log is read, one attempt is in and all others are out.
func TestOneIsFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		claims := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 1, 10).Draw(t, "claims")
		b := NewBook()
		b.Apply(offer(1000))
		for range rapid.IntRange(1, 3).Draw(t, "readings") {
			for _, c := range claims {
				b.Apply(claim(c))
			}
		}
		for _, attempt := range []string{"a", "b", "c", "d"} {
			if err := b.May("ours", id, "app", attempt, 0); (err == nil) != (attempt == claims[0]) {
				t.Fatalf("%v of %v: %v", attempt, claims, err)
			}
		}
	})
}

func TestRecords(t *testing.T) {
	for _, r := range []*transfer.Record{offer(7), claim("x"), {Workspace: "ours", At: 1, Refusal: &transfer.Refusal{Reason: "unknown"}}} {
		value, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := transfer.Decode(value)
		if err != nil || fmt.Sprintf("%+v %+v %+v", back.Offer, back.Claim, back.Refusal) != fmt.Sprintf("%+v %+v %+v", r.Offer, r.Claim, r.Refusal) || back.ID != r.ID {
			t.Errorf("%s: %+v %v", value, back, err)
		}
	}
	for _, bad := range []string{"", "7", "{}", `{"workspace":"a","id":"x"}`, `{"workspace":"a","claim":{"attempt":"x"}}`, `{"workspace":"a","id":"x","claim":{},"refusal":{}}`} {
		if _, err := transfer.Decode([]byte(bad)); !errors.Is(err, transfer.ErrBadRecord) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
