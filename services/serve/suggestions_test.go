package serve

import (
	"fmt"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/identity"
)

type suggestionsAnswer struct {
	Suggestions []struct {
		ID                string
		Claimant, Claimed struct {
			nodeAnswer
			Person string
		}
		Known                     bool
		Strength                  float64
		Touchpoints, Days, Others int
		First, Last               struct{ Touchpoint, Time string }
	}
	Next string
}

// claim is the suggestion that a touchpoint of the day makes.
func claim(version uint64, who, what, touchpoint string, day int) identity.Edge {
	e := decision(version, identity.LinkClaimed, identity.Suggested, who, what, "claimed by one touchpoint")
	e.Evidence.Touchpoint, e.Evidence.Key = touchpoint, keyOf(touchpoint)
	e.Evidence.Time = at(fmt.Sprintf("2026-11-%02dT09:00:00Z", day)).UnixMilli()
	return e
}

func TestSuggestions(t *testing.T) {
	f := start(t)
	victim := "email:victim@example.com"
	f.decided(
		decision(1, identity.LinkVerified, identity.Joined, "customer_id:C1", victim, "verified"),
		// On three days by one, thrice on one day by another, once by a third.
		claim(2, "cookie:a", victim, "a1", 1), claim(3, "cookie:a", victim, "a2", 2), claim(4, "cookie:a", victim, "a3", 3),
		claim(5, "cookie:b", victim, "b1", 5), claim(6, "cookie:b", victim, "b2", 5), claim(7, "cookie:b", victim, "b3", 5),
		claim(8, "cookie:c", victim, "c1", 5),
		// Only this one has the number.
		claim(9, "cookie:d", "phone:+4930123456", "d1", 5),
		// Decided, or one person by now.
		claim(10, "cookie:e", victim, "e1", 5), decision(11, identity.LinkDecline, identity.Declined, "cookie:e", victim, "declined by hand"),
		claim(12, "cookie:f", victim, "f1", 5), decision(13, identity.LinkAccept, identity.Joined, "cookie:f", victim, "accepted by hand"),
		claim(14, "cookie:g", victim, "g1", 5), decision(15, identity.LinkVerified, identity.Joined, "customer_id:C1", "cookie:g", "verified"),
	)
	f.moved(moveOf(1, victim, victim, "customer_id:C1"), moveOf(15, "cookie:g", "cookie:g", "customer_id:C1"), moveOf(13, "cookie:f", "cookie:f", "customer_id:C1"))
	var got []string
	var ids []string
	for next := ""; ; {
		page := decode[suggestionsAnswer](t, f.get(200, "/v1/identity/suggestions?limit=1"+next))
		for _, s := range page.Suggestions {
			got = append(got, fmt.Sprintf("%s %d/%d/%d %v", s.Claimant.String(), s.Touchpoints, s.Days, s.Others, s.Strength))
			ids = append(ids, s.ID)
			if s.Known != (s.Claimed.String() == victim) {
				t.Errorf("%s is known: %v", s.Claimed, s.Known)
			}
			if s.Claimed.String() == victim && s.Claimed.Person != anchorOf("customer_id:C1").String() {
				t.Errorf("claimed %+v", s.Claimed)
			}
		}
		if page.Next == "" {
			break
		}
		next = "&cursor=" + page.Next
	}
	// Six others claim or carry the address: C1, b, c, e, f and g beside a itself.
	want := "cookie:d 1/1/0 2, cookie:a 3/3/6 0.857, cookie:b 3/1/6 0.571, cookie:c 1/1/6 0.286"
	if strings.Join(got, ", ") != want {
		t.Errorf("%s, want %s", strings.Join(got, ", "), want)
	}
	if id := identity.PairID(nodeOf("cookie:a").Anchor, nodeOf(victim).Anchor).String(); ids[1] != id {
		t.Errorf("the store calls it %s, want %s", ids[1], id)
	}

	decide := func(id, body string) (int, string) {
		status, said := f.post("/v1/identity/suggestions/"+id, body)
		return status, string(said)
	}
	for body, status := range map[string]int{
		`{"action": "accept"}`: 400, `{"action": "perhaps", "reason": "because"}`: 400, `{"reason": "because"}`: 400, ``: 400,
	} {
		if got, said := decide(ids[1], body); got != status {
			t.Errorf("%s: %d %s", body, got, said)
		}
	}
	declined := identity.PairID(nodeOf("cookie:e").Anchor, nodeOf(victim).Anchor).String()
	if got, said := decide(declined, `{"action": "accept", "reason": "because"}`); got != 404 {
		t.Errorf("%d %s", got, said)
	}
	f.filler(19)
	answered := f.posting("/v1/identity/suggestions/"+ids[1], `{"action": "accept", "reason": "she showed her card", "user": "bob"}`)
	l, version := f.word(20)
	if l.Kind != identity.LinkAccept || l.A != nodeOf("cookie:a") || l.B != nodeOf(victim) || l.Touchpoint != "a1" || l.Key != keyOf("a1") ||
		l.Time != at("2026-11-01T09:00:00Z").UnixMilli() || l.User != "bob" || l.Reason != "she showed her card" {
		t.Errorf("%+v", l)
	}
	f.decided(decision(version, identity.LinkAccept, identity.Joined, "cookie:a", victim, "accepted by hand"))
	f.moved(moveOf(version, "cookie:a", "cookie:a", "customer_id:C1"))
	if got := <-answered; got.status != 200 || !strings.Contains(string(got.body), `"joined"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	answered = f.posting("/v1/identity/suggestions/"+ids[2], `{"action": "refuse", "reason": "a stranger"}`)
	l, version = f.word(21)
	if l.Kind != identity.LinkDecline || l.Reason != "a stranger" {
		t.Errorf("%+v", l)
	}
	f.decided(decision(version, identity.LinkDecline, identity.Declined, "cookie:b", victim, "declined by hand"))
	if got := <-answered; got.status != 200 || !strings.Contains(string(got.body), `"declined"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if left := decode[suggestionsAnswer](t, f.get(200, "/v1/identity/suggestions")); len(left.Suggestions) != 2 {
		t.Errorf("%+v", left)
	}
}

func TestRefusalsAndSharedValues(t *testing.T) {
	f := start(t)
	verified := identity.LinkVerified
	f.decided(
		decision(1, verified, identity.Refused, "customer_id:C1", "customer_id:C2", "customer_id: max 1"),
		decision(2, verified, identity.Joined, "customer_id:C1", "phone:+4930123456", "verified"),
		decision(3, verified, identity.Shared, "phone:+4930123456", "", "shared: phone"),
		decision(3, verified, identity.Undone, "customer_id:C1", "phone:+4930123456", "shared: phone"),
		decision(3, verified, identity.Refused, "customer_id:C3", "phone:+4930123456", "shared: phone"),
		decision(4, verified, identity.Refused, "customer_id:C4", "phone:+4930123456", "shared: phone"),
		decision(5, identity.LinkMerge, identity.Joined, "customer_id:C1", "customer_id:C2", "merged by hand"),
	)
	var refused []evidenceAnswer
	for next := ""; ; {
		page := decode[struct {
			Refusals []evidenceAnswer
			Next     string
		}](t, f.get(200, "/v1/identity/refusals?limit=1"+next))
		if refused = append(refused, page.Refusals...); page.Next == "" {
			break
		}
		next = "&cursor=" + page.Next
	}
	if got := texts(refused); got != "customer_id:C4-phone:+4930123456 refused by verified, customer_id:C3-phone:+4930123456 refused by verified, customer_id:C1-customer_id:C2 refused by verified (not any more)" {
		t.Errorf("%s", got)
	}
	shared := decode[struct {
		Shared []struct {
			evidenceAnswer
			Identifiers, Undone int
		}
	}](t, f.get(200, "/v1/identity/shared"))
	if len(shared.Shared) != 1 || shared.Shared[0].A.String() != "phone:+4930123456" || shared.Shared[0].Identifiers != 3 || shared.Shared[0].Undone != 1 || !shared.Shared[0].InForce {
		t.Errorf("%+v", shared)
	}
	f.get(400, "/v1/identity/shared?limit=0")
}
