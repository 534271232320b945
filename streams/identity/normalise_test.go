package identity

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/throughline/throughline/schemas/touchpoint"
)

func TestNormalise(t *testing.T) {
	r := DefaultRules()
	for _, tc := range []struct{ typ, in, want string }{
		{"email", "  Anna.Berg@Example.COM ", "anna.berg@example.com"},
		{"email", "mailto:anna@example.com", "anna@example.com"},
		{"email", "<anna@example.com>", "anna@example.com"},
		{"email", "anna@bücher.example.", "anna@xn--bcher-kva.example"},
		{"email", "anna@XN--BCHER-KVA.example", "anna@xn--bcher-kva.example"},
		{"email", "jose\u0301@example.com", "jos\u00e9@example.com"},
		{"email", "Unknown", "unknown"}, // blocked: kept, points at nobody
		{"phone", "0176 1234567", "+491761234567"},
		{"phone", "+1 (650) 253-0000", "+16502530000"},
		{"phone", "tel:+49-30-123456", "+4930123456"},
		{"phone", "Anonymous", "anonymous"},
		{"phone", "0000", "0000"},
		{"whatsapp", "+49 176 1234567", "+491761234567"},
		{"instagram", " @Anna_Berg ", "anna_berg"},
		{"customer_id", " C-0007 ", "C-0007"},
		{"CUSTOMER_ID", "C-0007", "C-0007"},
		{"account_login", "Anna", "anna"},
		{"account_login", "STRASSE", "strasse"},
		{"account_login", "STRAẞE", "straße"},
		{"unheard", " As It Is ", "As It Is"},
	} {
		got, err := r.Normalise(touchpoint.Identifier{Type: tc.typ, Value: tc.in, Verified: true})
		if err != nil || got.Value != tc.want || got.Type != strings.ToLower(tc.typ) || !got.Verified {
			t.Errorf("Normalise(%s %q) = %+v, %v, want %q", tc.typ, tc.in, got, err, tc.want)
		}
	}
	for _, tc := range []struct{ typ, in, want string }{
		{"email", "anna", "name@domain"},
		{"email", "@example.com", "name@domain"},
		{"email", "anna@", "name@domain"},
		{"email", "an na@example.com", "before the @"},
		{"email", "anna@ex ample.com", "not a domain"},
		{"email", "anna@-x.example", "not a domain"},
		{"email", strings.Repeat("a", 65) + "@example.com", "too long"},
		{"phone", "call me", "not a phone number"},
		{"phone", "0 000000001", "not a phone number"},
		{"phone", "1", "not a phone number"},
		{"phone", "+49301234567890123456", "not a phone number"},
		{"customer_id", "  ", "is empty"},
		{"customer_id", "a\x00b", "control character"},
		{"customer_id", "a\xff", "UTF-8"},
		{"customer_id", strings.Repeat("x", 513), "at most 512"},
		{"instagram", "@", "is empty"},
		{"thread", "x", "reserved"},
		{"touchpoint", "x", "reserved"},
		{"claimed:email", "x", "lower-case letters"},
		{"", "x", "1 to 64"},
	} {
		if got, err := r.Normalise(touchpoint.Identifier{Type: tc.typ, Value: tc.in}); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("Normalise(%s %q) = %+v, %v, want an error with %q", tc.typ, tc.in, got, err, tc.want)
		}
	}
}

func TestUUID(t *testing.T) {
	const want = "0189f7ea-ae2c-7809-8aeb-b819cf5e9e7f"
	for _, in := range []string{want, strings.ToUpper(want), strings.ReplaceAll(want, "-", ""), "{" + want + "}", "urn:uuid:" + want, "URN:UUID:" + want} {
		if got, err := uuid(in); err != nil || got != want {
			t.Errorf("uuid(%q) = %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "x", want + "0", want[1:], strings.Replace(want, "0", "g", 1)} {
		if got, err := uuid(in); err == nil {
			t.Errorf("uuid(%q) = %q, want an error", in, got)
		}
	}
}

func TestRegions(t *testing.T) {
	for _, tc := range []struct{ regions, in, want string }{
		{"[CH]", "044 668 18 00", "+41446681800"},
		{"[DE, CH]", "+41 44 668 18 00", "+41446681800"},
		{"[FR, US]", "(650) 253-0000", "+16502530000"}, // not in the plan of the first
		{"[US, DE]", "030 123456", "+4930123456"},
		{"[DE, AT]", "0176 1234567", "+491761234567"}, // in both: the first
	} {
		r, err := ParseRules([]byte("regions: " + tc.regions + "\nmax_identifiers: 10\nmax_thread: 10\ntypes: [{name: phone, normalise: phone}]"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.Normalise(touchpoint.Identifier{Type: "phone", Value: tc.in}); err != nil || got.Value != tc.want {
			t.Errorf("%s: %s is %s, %v, want %s", tc.regions, tc.in, got.Value, err, tc.want)
		}
	}
}

func TestParseIdentifier(t *testing.T) {
	typ, value, err := ParseIdentifier("email:anna@example.com")
	if err != nil || typ != "email" || value != "anna@example.com" {
		t.Errorf("got %q %q %v", typ, value, err)
	}
	if typ, value, _ := ParseIdentifier("customer_id:a:b"); typ != "customer_id" || value != "a:b" {
		t.Errorf("got %q %q", typ, value)
	}
	for _, s := range []string{"", "anna@example.com", "email:", ":x"} {
		if _, _, err := ParseIdentifier(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}

// Numbers whose plan has changed since the file was made with the metadata of 2022.
var changedPlans = map[string]bool{
	// Nigeria's fixed lines have ten digits since 2024.
	"NG +234 1 804 0123": true,
	"NG 01 804 0123":     true,
	// Uzbekistan dials nine digits, without the 8 in front of them.
	"UZ   (8.66.905.01.23) ext. 5": true,
	"UZ 8 66 905 01 23":            true,
}

// TestPhonesAgainstLibphonenumber compares with what the original library makes of 1,663 numbers as people type them.
func TestPhonesAgainstLibphonenumber(t *testing.T) {
	f := openData(t, "phone-e164/phone_e164.tsv")
	lines := bufio.NewScanner(f)
	lines.Scan() // the header
	n, numbers := 0, map[string]*phones{}
	for lines.Scan() {
		cell := strings.Split(lines.Text(), "\t")
		region, in, want, valid := cell[0], cell[1], cell[2], cell[3] == "1"
		n++
		if numbers[region] == nil {
			numbers[region] = newPhones([]string{region})
		}
		got, err := numbers[region].normalise(in)
		got, extension, _ := strings.Cut(got, extensionMark)
		if _, typed, _ := strings.Cut(in, "ext. "); err == nil && extension != typed {
			t.Errorf("%s %q has extension %q", region, in, extension)
		}
		switch {
		case changedPlans[region+" "+in]:
			if err == nil && got == want {
				t.Errorf("%s %q agrees again: take it off the list", region, in)
			}
		case !valid && err == nil:
			t.Errorf("%s %q = %s, want an error", region, in, got)
		case valid && (err != nil || got != want):
			t.Errorf("%s %q = %s, %v, want %s", region, in, got, err, want)
		}
	}
	if err := lines.Err(); err != nil || n < 1600 {
		t.Errorf("%d numbers read, %v", n, err)
	}
}

// openData opens a file of ../shared/data, seen from the repository's root, and skips the test without it.
func openData(t *testing.T, name string) *os.File {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			break
		}
	}
	f, err := os.Open(filepath.Join(filepath.Dir(dir), "shared", "data", name))
	if err != nil {
		t.Skipf("other people's data is not here: %v", err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func FuzzNormalise(f *testing.F) {
	for _, s := range []string{"anna@bücher.example", "+49 176 123", "@Anna", "{0189f7ea-ae2c-7809-8aeb-b819cf5e9e7f}", "İ@x.example", "a@ẞ.example", "1-800-FLOWERS ext 7", "-1"} {
		for _, typ := range []string{"email", "phone", "instagram", "customer_id", "device"} {
			f.Add(typ, s)
		}
	}
	r := DefaultRules()
	f.Fuzz(func(t *testing.T, typ, value string) {
		once, err := r.Normalise(touchpoint.Identifier{Type: typ, Value: value})
		if err != nil {
			return
		}
		twice, err := r.Normalise(once)
		if err != nil || twice != once {
			t.Errorf("%s %q is %q once and %q twice, %v", typ, value, once.Value, twice.Value, err)
		}
		if len(once.Value) > MaxValue || once.Value == "" {
			t.Errorf("%d bytes", len(once.Value))
		}
	})
}

// What is remembered is what would be computed, also from many sides at once.
func TestPhonesRemembered(t *testing.T) {
	p := newPhones([]string{"DE"})
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for i := range 2000 {
				typed := fmt.Sprintf("0176 %07d", i*3)
				if got, err := p.normalise(typed); err != nil || got != fmt.Sprintf("+49176%07d", i*3) {
					t.Errorf("%s = %s, %v", typed, got, err)
				}
			}
		})
	}
	wait.Wait()
}

func TestInternational(t *testing.T) {
	for _, tc := range []struct {
		regions []string
		digits  string
		want    []string
	}{
		{[]string{"DE"}, "03012", []string{"+493012"}},
		{[]string{"DE", "AT"}, "0664", []string{"+49664", "+43664"}},
		{[]string{"DE"}, "004930", []string{"+4930"}},
		{[]string{"IT"}, "0612", []string{"+390612"}}, // the nought is part of the number
		{[]string{"US"}, "1212", []string{"+1212"}},
		{[]string{"US"}, "212", []string{"+1212"}},
	} {
		rules := DefaultRules()
		rules.Regions = tc.regions
		if got := rules.International(tc.digits); !slices.Equal(got, tc.want) {
			t.Errorf("%v %s: %v, want %v", tc.regions, tc.digits, got, tc.want)
		}
	}
}

func BenchmarkNormalise(b *testing.B) {
	r := DefaultRules()
	for _, id := range []touchpoint.Identifier{{Type: "email", Value: "Anna@example.com"}, {Type: "phone", Value: "+4917612345678"}, {Type: "customer_id", Value: "C-12345"}} {
		b.Run(id.Type, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Normalise(id); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAnchorOf(b *testing.B) {
	r := DefaultRules()
	t := touchpoint.Touchpoint{ID: "x", Thread: []string{"session:1"}, Identifiers: []touchpoint.Identifier{
		{Type: "customer_id", Value: "C-12345", Verified: true}, {Type: "email", Value: "anna@example.com", Verified: true}}}
	b.ReportAllocs()
	for b.Loop() {
		r.AnchorOf("default", touchpoint.Key{}, &t)
	}
}
