package endtoend

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// transferGiven is what a customer gets.
type transferGiven struct {
	ID, Token, Code, Thread string
	ExpiresAt               time.Time `json:"expires_at"`
}

// offer offers the conversation of an identifier to another channel.
func (u *up) offer(identifier, channel string) transferGiven {
	u.tb.Helper()
	conversation := get[struct{ Conversations []conversationAnswer }](u, "/v1/people/"+personOf(u, identifier)+"/conversations").Conversations[0].ID
	a, err := u.request(http.MethodPost, "/v1/conversations/"+conversation+"/transfer", asJSON, encode(m{"to_channel": channel}))
	if err != nil || a.status != http.StatusOK {
		u.tb.Fatalf("%d %s %v", a.status, a.body, err)
	}
	var given transferGiven
	if err := json.Unmarshal(a.body, &given); err != nil {
		u.tb.Fatal(err)
	}
	return given
}

// open opens a transfer; path is behind /v1/transfers/.
func (u *up) open(path, channel, identifier string, more m) answer {
	u.tb.Helper()
	typ, value, _ := strings.Cut(identifier, ":")
	body := m{"channel": channel, "identifiers": []m{{"type": typ, "value": value}}}
	for k, v := range more {
		body[k] = v
	}
	a, err := u.request(http.MethodPost, "/v1/transfers/"+path, asJSON, encode(body))
	if err != nil {
		u.tb.Fatal(err)
	}
	return a
}

// A chat goes on in the app with its whole history, and a call in WhatsApp: both are one customer and one conversation. A link opens once,
// whoever asks, however many at a time, and through a kill; whoever is not let in is shown nothing, and it is put down.
func TestTransfers(t *testing.T) {
	t.Parallel()
	u := startUp(t)
	now := func(more m) m {
		more["time"] = time.Now().UTC().Format(time.RFC3339Nano)
		return more
	}
	vouched := func(all ...string) []m {
		var out []m
		for _, one := range all {
			typ, value, _ := strings.Cut(one, ":")
			out = append(out, m{"type": typ, "value": value, "verified": true})
		}
		return out
	}
	u.send(message("chat-1", "", now(m{"channel": "chat", "text": "hush-history", "thread": []string{"ticket:T-1"}, "identifiers": vouched("email:anna@example.com", "customer_id:A-1")})),
		message("app-1", "", now(m{"channel": "app", "kind": "app.opened", "text": "", "identifiers": vouched("device:phone-7")})),
		message("ben-1", "", now(m{"channel": "app", "identifiers": vouched("device:phone-8", "customer_id:B-2")})))
	u.settle()
	given := u.offer("email:anna@example.com", "app")
	if len(given.Code) != 8 || !strings.HasPrefix(given.Thread, "transfer:") {
		t.Fatalf("%+v", given)
	}
	u.settle()
	refused := func(what string, a answer, status int) {
		t.Helper()
		if a.status != status || strings.Contains(string(a.body), "hush") || strings.Contains(string(a.body), "anna") {
			t.Errorf("%s: %d, want %d: %s", what, a.status, status, a.body)
		}
	}
	// Before it is opened nobody sees anything of it, and strangers never do.
	state := get[struct{ Status string }](u, "/v1/transfers/"+given.Token)
	if state.Status != "offered" {
		t.Errorf("%+v", state)
	}
	theirs := u.as(newKey(t, u, "other"))
	forged := given.Token[:len(given.Token)-2] + "AA"
	refused("a forged link", u.open(forged+"/open", "app", "device:phone-7", nil), http.StatusNotFound)
	refused("another workspace", theirs.open(given.Token+"/open", "app", "device:phone-7", nil), http.StatusNotFound)
	refused("another workspace's code", theirs.open("open", "app", "device:phone-7", m{"code": given.Code}), http.StatusNotFound)
	refused("another channel", u.open(given.Token+"/open", "whatsapp", "whatsapp:+491511234567", nil), http.StatusForbidden)
	refused("another customer", u.open(given.Token+"/open", "app", "device:phone-8", nil), http.StatusForbidden)
	refused("another customer by number", u.open(given.Token+"/open", "app", "customer_id:B-2", nil), http.StatusForbidden)
	if a, err := theirs.request(http.MethodGet, "/v1/transfers/"+given.Token, nil, nil); err != nil || a.status != http.StatusNotFound {
		t.Errorf("%d %s %v", a.status, a.body, err)
	}

	// Many at once, one is let in, and sees the whole history.
	var all sync.WaitGroup
	var mu sync.Mutex
	let := []answer{}
	for i := range 8 {
		all.Go(func() {
			a := u.open(given.Token+"/open", "app", "device:phone-7", m{"attempt": fmt.Sprint("try-", i)})
			mu.Lock()
			defer mu.Unlock()
			if a.status == http.StatusOK {
				let = append(let, a)
			} else {
				refused("too late", a, http.StatusConflict)
			}
		})
	}
	all.Wait()
	if len(let) != 1 || !strings.Contains(string(let[0].body), "hush-history") || !strings.Contains(string(let[0].body), given.Thread) {
		t.Fatalf("%d were let in: %+v", len(let), let)
	}
	u.send(message("app-2", "", now(m{"channel": "app", "thread": []string{given.Thread}, "identifiers": vouched("device:phone-7")})))
	u.settle()
	one(u, "device:phone-7", "email:anna@example.com", true)
	one(u, "device:phone-8", "email:anna@example.com", false)
	if why := u.command("people", "why", "device:phone-7", "email:anna@example.com"); !strings.Contains(why, "transfer-"+given.ID+"-opened") {
		t.Errorf("%s", why)
	}
	story := func(identifier string) map[string]string {
		t.Helper()
		out := map[string]string{}
		for _, one := range get[struct {
			Touchpoints []struct{ ID, Kind, Conversation string }
		}](u, "/v1/people/"+personOf(u, identifier)+"/timeline?limit=200").Touchpoints {
			out[one.ID] = one.Conversation
			if one.Kind == "transfer.refused" {
				out[one.Kind] += "x"
			}
		}
		return out
	}
	told := story("email:anna@example.com")
	for _, id := range []string{"transfer-" + given.ID + "-offered", "transfer-" + given.ID + "-opened", "app-2"} {
		if told[id] == "" || told[id] != told["chat-1"] {
			t.Errorf("%s is in conversation %q, the chat in %q", id, told[id], told["chat-1"])
		}
	}
	if got := len(told["transfer.refused"]); got != 3+7 {
		t.Errorf("%d refusals are put down", got)
	}
	if strings.Contains(u.command("people", "timeline", "device:phone-8", "--json"), "transfer") {
		t.Error("the stranger has something of it")
	}

	// Used is used, also by the same, for ever: the process is killed and its memory gone.
	u.Kill()
	u.start()
	refused("again", u.open(given.Token+"/open", "app", "device:phone-7", nil), http.StatusConflict)
	refused("again by code", u.open("open", "app", "device:phone-7", m{"code": given.Code}), http.StatusConflict)
	if state := get[struct{ Status string }](u, "/v1/transfers/"+given.Token); state.Status != "opened" {
		t.Errorf("%+v", state)
	}

	// A call goes on in WhatsApp, by a code, from the command line; an anonymous one follows its thread.
	u.send(message("call-1", "", now(m{"channel": "phone", "kind": "call.started", "thread": []string{"call:C-1"}, "identifiers": []m{}})))
	u.settle()
	spoken := u.offer("call:C-1", "whatsapp")
	u.settle()
	if said := u.command("conversations", "open", "--code", spoken.Code[:4]+" "+spoken.Code[4:], "--channel", "whatsapp", "--identifier", "whatsapp:+49 151 1234567"); !strings.Contains(said, "call-1") {
		t.Errorf("%s", said)
	}
	u.settle()
	one(u, "call:C-1", "whatsapp:+491511234567", true)

	// An offer that nobody opens is a crack, and one that was opened is none.
	day := time.Now().Add(-30 * time.Hour).UTC().Format(time.RFC3339)
	u.send(message("old-1", "", m{"time": day, "channel": "chat", "identifiers": vouched("email:cleo@example.com")}),
		message("old-2", "", m{"time": day, "channel": "chat", "direction": "outbound", "actor": m{"type": "system"}, "kind": "transfer.offered", "identifiers": vouched("email:cleo@example.com")}))
	u.settle()
	type cracks struct {
		Cracks []struct{ Kind, Person string }
	}
	if found := get[cracks](u, "/v1/cracks?kind=transfer_not_opened").Cracks; len(found) != 1 || found[0].Person != personOf(u, "email:cleo@example.com") {
		t.Errorf("%+v", found)
	}
	for range 10 {
		refused("a guess", u.open("open", "app", "device:phone-9", m{"code": "00000000"}), http.StatusNotFound)
	}
	refused("a guess too many", u.open("open", "app", "device:phone-9", m{"code": "00000000"}), http.StatusTooManyRequests)
}
