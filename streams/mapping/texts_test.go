package mapping_test

import (
	"strings"
	"testing"

	"github.com/throughline/throughline/streams/mapping"
)

const mails = `
name: mails
format: json
touchpoint:
  id: {column: id}
  channel: email
  direction: inbound
  kind: message
  actor: {type: customer, name: {expr: mail_name(from)}}
  identifiers: [{type: email, value: {expr: mail_address(from)}}]
  thread: [{scheme: message-id, value: {expr: 'message_ids(mail_header(head, "message-id"), mail_header(head, "References"))'}}]
  text: {expr: fresh_text(html_text(html))}
  properties: {columns: []}
`

func TestMailsAreRead(t *testing.T) {
	m := parse(t, mails)
	for _, c := range []struct{ body, want string }{
		{`{"id":"1","from":"\"Berg, Anna\" <anna@example.com>","html":"<p>Yes,<br>please</p><blockquote>Shall we?</blockquote>",` +
			`"head":"Received: x\r\nMessage-ID: <b@x>\r\nReferences: <root@x>\r\n <a@x>\r\nSubject: s\r\n"}`,
			`"actor":{"type":"customer","name":"Berg, Anna"},"identifiers":[{"type":"email","value":"anna@example.com"}],` +
				`"thread":["message-id:<b@x>","message-id:<root@x>","message-id:<a@x>"],"text":"Yes,\nplease"}`},
		{`{"id":"2","from":"anna@example.com"}`, `"actor":{"type":"customer"},"identifiers":[{"type":"email","value":"anna@example.com"}]}`},
		{`{"id":"3","from":"Berg, Anna <anna@example.com>","head":"message-id: plain@x"}`,
			`"name":"Berg, Anna"},"identifiers":[{"type":"email","value":"anna@example.com"}],"thread":["message-id:<plain@x>"]}`},
		{`{"id":"4","from":"nobody at all"}`, `"actor":{"type":"customer"}}`},
	} {
		v, err := mapping.ParseBody(mapping.JSON, "", []byte(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r := m.NewRun(nil)
		items, err := r.Items(mapping.Body{Value: v})
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Append(nil, items[0])
		if err != nil || !strings.HasSuffix(string(got), c.want) {
			t.Errorf("%s\ngot  %s, %v\nwant %s", c.body, got, err, c.want)
		}
	}
}

func TestLongReferencesKeepBothEnds(t *testing.T) {
	m := parse(t, mails)
	var refs strings.Builder
	for i := range 40 {
		refs.WriteString(" <" + strings.Repeat("r", i+1) + "@x>")
	}
	v, err := mapping.ParseBody(mapping.JSON, "", []byte(`{"id":"1","from":"a@x.example","head":"Message-ID: <own@x>\nReferences:`+refs.String()+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	r := m.NewRun(nil)
	items, err := r.Items(mapping.Body{Value: v})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Append(nil, items[0])
	if err != nil || strings.Count(string(got), "message-id:") != 12 || !strings.Contains(string(got), "<own@x>") || !strings.Contains(string(got), "<r@x>") ||
		!strings.Contains(string(got), strings.Repeat("r", 40)+"@x") {
		t.Errorf("%s, %v", got, err)
	}
}
