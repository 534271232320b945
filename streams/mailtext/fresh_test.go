package mailtext_test

import (
	"strings"
	"testing"

	"github.com/throughline/throughline/streams/mailtext"
)

// TestFresh: what mail programs put around an answer is left out, and nothing that the sender wrote.
func TestFresh(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing quoted", "Hello\n\nBye", "Hello\n\nBye"},
		{"Gmail", "Yes.\n\nOn Fri, Nov 20, 2026 at 8:00 AM Support <s@example.com>\nwrote:\n\n> Is it?\n>\n> Regards", "Yes."},
		{"Gmail, German", "Ja.\n\nAm Fr., 20. Nov. 2026 um 08:00 Uhr schrieb Support <s@example.com>:\n\n> Ist es so?", "Ja."},
		{"Apple Mail, French", "Oui.\n\n> Le 20 nov. 2026 à 08:00, Support <s@example.com> a écrit :\n> \n> Vraiment ?", "Oui."},
		{"Outlook", "Yes.\n\n________________________________\nFrom: Support <s@example.com>\nSent: Friday\nTo: Anna\nSubject: Re: It\n\nIs it?", "Yes."},
		{"Outlook, German", "Ja.\n\nVon: Support\nGesendet: Freitag, 20. November 2026\nAn: Anna\nBetreff: AW: Es\n\nIst es so?", "Ja."},
		{"Outlook of old", "Yes.\n\n-----Original Message-----\nFrom: Support\n\nIs it?", "Yes."},
		{"without marks", "Yes.\n\nOn 20 Nov 2026, at 08:00, Support wrote:\n\nIs it?", "Yes."},
		{"signature", "Yes.\n\n-- \nAnna Müller\nTel. 030 111111", "Yes."},
		{"a telephone's", "Yes.\n\nSent from my iPhone", "Yes."},
		{"signature and quote", "Yes.\n\n-- \nAnna\n\nOn Friday 20 Nov Support wrote:\n> Is it?\n> -- \n> Support", "Yes."},
		{"answer below", "On 20 Nov 2026 Support wrote:\n> Is it?\n\nYes.", "Yes."},
		{"answers between", "> Is it?\n\nYes.\n\n> Sure?\n\nSure.", "> Is it?\n\nYes.\n\n> Sure?\n\nSure."},
		{"a quote above and one below", "> Is it?\nYes.\n> Thanks", "Yes."},
		{"a sentence that ends so", "My neighbour wrote:\nI never got it.", "My neighbour wrote:\nI never got it."},
		{"a list of fields that is no head", "From: Berlin\nWe need two.", "From: Berlin\nWe need two."},
		{"forwarded without a word", "---------- Forwarded message ---------\nFrom: X\n\nHello", "---------- Forwarded message ---------\nFrom: X\n\nHello"},
		{"nothing but a quote", "> Is it?", "> Is it?"},
		{"two dashes long ago", "A\n--\n" + strings.Repeat("more\n", 20) + "end", "A\n--\n" + strings.Repeat("more\n", 20) + "end"},
		{"empty", " \n\n", ""},
	} {
		if got := mailtext.Fresh(c.text); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func BenchmarkFresh(b *testing.B) {
	text := strings.Repeat("A line of some words, as people write them: one after the other.\n", 30) + "\nOn Friday 20 Nov 2026 Support wrote:\n" + strings.Repeat("> and what was said before\n", 60)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		mailtext.Fresh(text)
	}
}
