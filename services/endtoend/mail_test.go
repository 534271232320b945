package endtoend

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/sync/errgroup"

	"github.com/throughline/throughline/services/program"
)

// mailRules are of the two workspaces that get the same mails by two ways.
const mailRules = `
authserv: [mx.example.com]
workspaces:
  - name: default
    receive: [support@example.com]
    ours: ["@example.com"]
  - name: archive
    receive: [archive@example.com]
    ours: [support@example.com, "@example.com"]
`

// sentMail is a mail and what is true of it.
type sentMail struct {
	id     string // Message-ID without brackets
	thread int
	silent bool // a machine's: alone it makes no conversation
	text   string
}

// correspondence makes n mails of customers with the company: trees of answers of which some mails were lost on the way,
// senders that can be believed and that cannot, colleagues who join in, machines that answer, every sort of body.
func correspondence(seed uint64, n int) (mails []sentMail) {
	r := rand.New(rand.NewPCG(seed, 7))
	began := time.Date(2025, 1, 1, 8, 0, 0, 0, time.UTC)
	for thread := 0; len(mails) < n; thread++ {
		customer := fmt.Sprintf("customer%d@firm%d.example", r.IntN(300), r.IntN(40))
		colleague := fmt.Sprintf("colleague%d@firm.example", thread)
		believed := r.IntN(3) > 0
		type node struct {
			id   string
			refs []string
		}
		var nodes []node
		at := began.Add(time.Duration(r.IntN(60*24)) * time.Hour)
		for range 1 + r.IntN(9) {
			i := len(nodes)
			me := node{id: fmt.Sprintf("%d.%d.%x@mail.example", thread, i, r.Uint32())}
			if i > 0 {
				parent := nodes[r.IntN(i)]
				me.refs = append(slices.Clone(parent.refs), parent.id)
			}
			nodes = append(nodes, me)
			at = at.Add(time.Duration(1+r.IntN(3000)) * time.Minute)
			if r.IntN(6) == 0 {
				continue // lost: nobody has it, others refer to it
			}
			from, to, head := customer, "support@example.com", ""
			silent := false
			switch {
			case i > 0 && r.IntN(3) == 0:
				from, to = "support@example.com", customer
			case i > 0 && r.IntN(8) == 0:
				from = colleague
			case i > 0 && r.IntN(8) == 0:
				silent, head = true, "Auto-Submitted: auto-replied\n"
			}
			if from != "support@example.com" && believed {
				domain := from[strings.IndexByte(from, '@')+1:]
				head = fmt.Sprintf("Authentication-Results: mx.example.com; dkim=pass header.d=%s; spf=pass smtp.mailfrom=%s\n", domain, from) + head
			}
			if refs := me.refs; len(refs) > 0 {
				head += "References: <" + strings.Join(refs, ">\n\t<") + ">\nIn-Reply-To: <" + refs[len(refs)-1] + ">\n"
			}
			// Subjects that all share: they must join nothing.
			subject := []string{"Order", "Re: Order", "=?utf-8?q?AW=3A_Gr=C3=BC=C3=9Fe?="}[r.IntN(3)]
			text := fmt.Sprintf("Received: from a by b; %[1]s\n%[2]sFrom: %[3]s\nTo: %[4]s\nSubject: %[5]s\nDate: %[1]s\nMessage-ID: <%[6]s>\n%[7]s",
				at.Format(time.RFC1123Z), head, from, to, subject, me.id, bodyOf(r, thread, i))
			mails = append(mails, sentMail{me.id, thread, silent, text})
		}
	}
	return mails[:n]
}

func bodyOf(r *rand.Rand, thread, i int) string {
	words := fmt.Sprintf("Mail %d of matter %d: where is it?", i, thread)
	switch r.IntN(4) {
	case 0:
		return "\n" + words + "\n\nFrom here on it is quoted.\n> " + words + "\n"
	case 1:
		return "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString([]byte("<p>"+words+"</p>")) + "\n"
	case 2:
		return "Content-Type: multipart/mixed; boundary=xyz\n\n--xyz\nContent-Type: text/plain; charset=iso-8859-1\n\n" + words + " Gr\xfc\xdfe\n--xyz\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=a.pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0=\n--xyz--\n"
	}
	return "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n" + words + " =C3=A4\n"
}

// deliver sends mails over several connections at once, and each must be acknowledged.
func deliver(t *testing.T, address, to string, mails []sentMail) {
	t.Helper()
	const connections = 8
	group, _ := errgroup.WithContext(t.Context())
	for k := range connections {
		group.Go(func() error {
			c, err := smtp.Dial(address)
			if err != nil {
				return err
			}
			defer func() { _ = c.Close() }()
			for i := k; i < len(mails); i += connections {
				if err := c.SendMail("bounce@firm.example", []string{to}, strings.NewReader(strings.ReplaceAll(mails[i].text, "\n", "\r\n"))); err != nil {
					return fmt.Errorf("mail %s: %w", mails[i].id, err)
				}
			}
			return c.Quit()
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// mboxOf writes an mbox (mboxrd, RFC 4155).
func mboxOf(t *testing.T, mails []sentMail) string {
	t.Helper()
	var b strings.Builder
	for _, m := range mails {
		b.WriteString("From bounce@firm.example Sat Feb 01 09:00:00 2025\n")
		for line := range strings.Lines(m.text) {
			if strings.HasPrefix(strings.TrimLeft(line, ">"), "From ") {
				b.WriteByte('>')
			}
			b.WriteString(line)
		}
		b.WriteByte('\n')
	}
	path := filepath.Join(t.TempDir(), "all.mbox")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// query asks the store as BI tools do.
func query(t *testing.T, u *up, sql string) string {
	t.Helper()
	res, err := http.Post("http://"+u.clickhouse+"/", "text/plain", strings.NewReader(sql))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%d %s %v", res.StatusCode, body, err)
	}
	return strings.TrimSpace(string(body))
}

// threadsOf reads which conversation each mail of a workspace is in, by Message-ID.
func threadsOf(t *testing.T, u *up, workspace string) map[string]string {
	t.Helper()
	sql := fmt.Sprintf(`SELECT JSONExtractString(payload, 'properties', 'message_id'), toString(c) FROM throughline.touchpoints AS t
		LEFT JOIN (SELECT key, argMax(conversation, version) AS c FROM throughline.conversation_touchpoints WHERE workspace = '%[1]s' GROUP BY key) AS m ON m.key = t.key
		WHERE workspace = '%[1]s' FORMAT TSV`, workspace)
	out := map[string]string{}
	for line := range strings.SplitSeq(query(t, u, sql), "\n") {
		id, conversation, _ := strings.Cut(line, "\t")
		id = strings.Trim(id, "<>")
		if _, twice := out[id]; twice {
			t.Errorf("%s: %s is there twice", workspace, id)
		}
		out[id] = conversation
	}
	return out
}

// sameThreads compares conversations with the truth: each thread in which somebody speaks is one conversation, and each
// conversation one thread.
func sameThreads(t *testing.T, way string, mails []sentMail, got map[string]string) {
	t.Helper()
	if len(got) != len(mails) {
		t.Errorf("%s: %d touchpoints, want %d", way, len(got), len(mails))
	}
	spoken := map[int]bool{}
	for _, m := range mails {
		spoken[m.thread] = spoken[m.thread] || !m.silent
	}
	conversation, thread := map[int]string{}, map[string]int{}
	wrong := 0
	for _, m := range mails {
		c := got[m.id]
		if !spoken[m.thread] {
			if c != "0" {
				t.Errorf("%s: %s, of machines alone, is in a conversation", way, m.id)
			}
			continue
		}
		first, known := conversation[m.thread]
		other, taken := thread[c]
		if c == "0" || c == "" || known && first != c || taken && other != m.thread {
			if wrong++; wrong <= 5 {
				t.Errorf("%s: %s of thread %d is in conversation %q, the thread's is %q, which has thread %d", way, m.id, m.thread, c, first, other)
			}
		}
		conversation[m.thread], thread[c] = c, m.thread
	}
	if wrong > 0 {
		t.Errorf("%s: %d of %d mails are in a wrong conversation", way, wrong, len(mails))
	}
}

// TestMail sends 2,000 mails in a shuffled order by SMTP, kills the server half-way and sends some again; imports them in
// another order out of an mbox into another workspace; and finds the threads that the mails were made of in both.
func TestMail(t *testing.T) {
	u := startUp(t)
	archive := newKey(t, u, "archive")
	t.Setenv("THROUGHLINE_KEY_DEFAULT", u.key)
	t.Setenv("THROUGHLINE_KEY_ARCHIVE", archive)
	rules := filepath.Join(t.TempDir(), "mail.yaml")
	if err := os.WriteFile(rules, []byte(mailRules), 0o600); err != nil {
		t.Fatal(err)
	}
	address, health := program.FreeAddress(t), program.FreeAddress(t)
	arguments := []string{"mail", "--rules", rules, "--smtp", address, "--listen", health, "--url", u.url}
	server := program.Start(t, "mail", arguments...)
	server.Ready(t, "http://"+health+"/healthz")

	mails := correspondence(3, 2000)
	shuffled := slices.Clone(mails)
	order := rand.New(rand.NewPCG(9, 9))
	shuffle := func() {
		order.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	}
	shuffle()
	deliver(t, address, "support@example.com", shuffled[:1000])
	server.Kill()
	server = program.Start(t, "mail", arguments...)
	server.Ready(t, "http://"+health+"/healthz")
	deliver(t, address, "support@example.com", shuffled[900:]) // a hundred were acknowledged, and come again

	shuffle()
	mbox := mboxOf(t, shuffled)
	imported := run(t, "import", "--url", u.url, "--key", archive, "--mail", rules, "--workspace", "archive", "--state", t.TempDir(), mbox)
	if want := "2000 records: 2000 accepted, 0 refused"; !strings.Contains(imported.Stdout, want) {
		t.Fatalf("import: %s", imported)
	}
	report := u.settle()
	if report.Touchpoints != 4000 || report.Conflicts != 0 || report.Duplicates != 100 {
		t.Errorf("in both: %d touchpoints, %d duplicates, %d conflicts", report.Touchpoints, report.Duplicates, report.Conflicts)
	}
	sameThreads(t, "SMTP", mails, threadsOf(t, u, "default"))
	sameThreads(t, "mbox", mails, threadsOf(t, u, "archive"))

	// The same mails by the other way add nothing.
	run(t, "import", "--url", u.url, "--key", u.key, "--mail", rules, "--state", t.TempDir(), mbox)
	if report := u.settle(); report.Touchpoints != 4000 || report.Conflicts != 0 || report.Duplicates != 2100 {
		t.Errorf("out of the mbox, too: %d touchpoints, %d duplicates, %d conflicts", report.Touchpoints, report.Duplicates, report.Conflicts)
	}
	// What the door takes out of a text it takes out of what the text quotes, too.
	card := sentMail{id: "card@firm.example", text: "From: a@firm.example\nTo: support@example.com\nMessage-ID: <card@firm.example>\nDate: Fri, 3 Jan 2025 10:00:00 +0000\n\nYes.\n\n> Is it 4111 1111 1111 1111?\n"}
	deliver(t, address, "support@example.com", []sentMail{card})
	u.settle()
	if got := query(t, u, "SELECT JSONExtractString(payload, 'properties', 'whole') FROM throughline.touchpoints WHERE payload LIKE '%card@firm.example%' FORMAT TSVRaw"); !strings.Contains(got, "> Is it ") || strings.Contains(got, "4111 1111") {
		t.Errorf("what is quoted is kept as %q", got)
	}
	// While the log is away the sender keeps the mail.
	u.Stop(t)
	late := sentMail{id: "late@firm.example", text: "From: a@firm.example\nTo: support@example.com\nMessage-ID: <late@firm.example>\nDate: Fri, 3 Jan 2025 11:00:00 +0000\n\nHello?\n"}
	c, err := smtp.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	var answer *smtp.SMTPError
	if err := c.SendMail("a@firm.example", []string{"support@example.com"}, strings.NewReader(late.text)); !errors.As(err, &answer) || answer.Code != 451 {
		t.Errorf("with the log away: %v, want 451", err)
	}
	u.start()
	deliver(t, address, "support@example.com", []sentMail{late})
	u.settle()
	if got := query(t, u, "SELECT count() FROM throughline.touchpoints WHERE payload LIKE '%late@firm.example%'"); got != "1" {
		t.Errorf("the mail that came again is there %s times", got)
	}
	server.Stop(t)

	// What a mail becomes can be seen without a server.
	one := filepath.Join(t.TempDir(), "one.eml")
	if err := os.WriteFile(one, []byte(late.text), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := run(t, "mail", "test", "--rules", rules, one).Stdout; !strings.Contains(got, "mail:late@firm.example#") || !strings.Contains(got, `"text": "Hello?"`) {
		t.Errorf("mail test: %s", got)
	}
}
