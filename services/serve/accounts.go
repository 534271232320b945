package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/clickhouse"
)

// Account is a company that is a customer. It is no person: persons are its contacts.
type Account struct {
	Account   string          `json:"account"`
	Name      string          `json:"name,omitempty"`
	Managers  json.RawMessage `json:"managers"`  // as its last account.updated has them
	Contracts json.RawMessage `json:"contracts"` // as well
	Updated   *Time           `json:"updated"`   // when that was; null: never
	Contacts  []Contact       `json:"contacts"`  // last seen first
	Next      string          `json:"next,omitempty"`
}

// Contact is a person with touchpoints of the account.
type Contact struct {
	Person      identity.PersonID `json:"person"`
	Identifier  Node              `json:"identifier"` // that anchors the last of them
	FirstSeen   Time              `json:"first_seen"`
	LastSeen    Time              `json:"last_seen"`
	Touchpoints uint64            `json:"touchpoints"` // of the account
	Channels    []string          `json:"channels"`

	last            time.Time
	lastKey, lastOf identity.Anchor
}

// accountUpdated is the kind of touchpoints that say something about an account, and nothing about a contact.
const accountUpdated = "account.updated"

func accountOf(r *http.Request) (string, error) {
	name := r.PathValue("account")
	if !plain(name) || utf8.RuneCountInString(name) > touchpoint.MaxLabel || strings.TrimSpace(name) == "" {
		return "", &fieldError{"account", fmt.Sprintf("want 1 to %d characters of UTF-8 text", touchpoint.MaxLabel)}
	}
	return name, nil
}

// getAccount answers GET /v1/accounts/{account}.
func (s *Server) getAccount(w http.ResponseWriter, r *http.Request, c *call) error {
	limit := c.query.number("limit", 50, 1, 200)
	after := c.query.cursor(accountList)
	if err := c.query.done(); err != nil {
		return err
	}
	name, err := accountOf(r)
	if err != nil {
		return err
	}
	out := Account{Account: name, Managers: json.RawMessage("[]"), Contracts: json.RawMessage("[]"), Contacts: []Contact{}}
	g, ctx := errgroup.WithContext(r.Context())
	g.Go(func() error { return s.accountNews(ctx, c, &out) })
	g.Go(func() error { return s.contacts(ctx, c, &out, limit, after) })
	if err := g.Wait(); err != nil {
		return err
	}
	if len(out.Contacts) == 0 && out.Updated == nil && after == nil {
		return noAccount(name)
	}
	return answer(w, http.StatusOK, out)
}

func noAccount(name string) error {
	return &notFound{"account", fmt.Sprintf("there is no touchpoint of account %s", name)}
}

// accountNews reads what the account's last touchpoint of its own says.
func (s *Server) accountNews(ctx context.Context, c *call, out *Account) error {
	sql := `SELECT ` + touchpointColumns + ` FROM ` + c.tables.Touchpoints + `
WHERE workspace = {workspace:String} AND account = {account:String} AND kind = {kind:String} ORDER BY time DESC, key DESC LIMIT 1`
	params := clickhouse.Params{"workspace": c.workspace, "account": out.Account, "kind": accountUpdated}
	return s.store.each(ctx, s.store.report, sql, params, func(r *clickhouse.Rows) error {
		t, err := scanTouchpoint(r)
		if err != nil {
			return err
		}
		out.Updated = &t.Time
		var said map[string]json.RawMessage
		if json.Unmarshal(t.Properties, &said) != nil {
			return nil // without properties it says that there is nothing
		}
		_ = json.Unmarshal(said["name"], &out.Name) // one that is no text is none
		if v := said["managers"]; v != nil {
			out.Managers = v
		}
		if v := said["contracts"]; v != nil {
			out.Contracts = v
		}
		return nil
	})
}

// contacts reads a page of the account's contacts.
func (s *Server) contacts(ctx context.Context, c *call, out *Account, limit int, after *cursor) error {
	params := clickhouse.Params{"workspace": c.workspace, "account": out.Account, "kind": accountUpdated, "limit": limit + 1}
	having := ""
	if after != nil {
		having = "HAVING (-toUnixTimestamp64Milli(last), person) > ({order:Int64}, {id:UInt128})"
		params["order"], params["id"] = after.order, number(after.id)
	}
	// By anchor first, in whose order facts lie: whose an anchor is now is then asked once for each, and not for each touchpoint.
	sql := `SELECT ` + c.tables.PersonOf("anchor") + ` AS person, sum(n), min(earliest), max(latest) AS last,
	arraySort(groupUniqArrayArray(channels)), argMax(latest_key, (latest, latest_key)), argMax(anchor, (latest, latest_key))
FROM (
	SELECT anchor, count() AS n, min(time) AS earliest, max(time) AS latest, groupUniqArray(toString(channel)) AS channels, argMax(key, (time, key)) AS latest_key
	FROM ` + c.tables.Touchpoints + ` WHERE workspace = {workspace:String} AND account = {account:String} AND kind != {kind:String}
	GROUP BY anchor
)
GROUP BY person ` + having + ` ORDER BY last DESC, person LIMIT {limit:UInt32}`
	err := s.store.each(ctx, s.store.report, sql, params, func(r *clickhouse.Rows) error {
		var (
			v               Contact
			person, key, of wide
			first           time.Time
		)
		err := r.Scan(&person, &v.Touchpoints, &first, &v.last, &v.Channels, &key, &of)
		v.Person, v.FirstSeen, v.LastSeen, v.lastKey, v.lastOf = asAnchor(&person), Time(first), Time(v.last), asAnchor(&key), asAnchor(&of)
		out.Contacts = append(out.Contacts, v)
		return err
	})
	if err != nil {
		return err
	}
	if len(out.Contacts) > limit {
		out.Contacts = out.Contacts[:limit]
		last := out.Contacts[limit-1]
		out.Next = cursor{accountList, -last.last.UnixMilli(), last.Person}.String()
	}
	return s.nameContacts(ctx, c, out.Contacts)
}

// nameContacts says which identifier each contact's last touchpoint came under. That is the contact's own for sure: what else
// a touchpoint carries may be somebody else's, and its link refused.
func (s *Server) nameContacts(ctx context.Context, c *call, contacts []Contact) error {
	if len(contacts) == 0 {
		return nil
	}
	var anchors, keys []identity.Anchor
	at := map[identity.Anchor]int{}
	for i, v := range contacts {
		anchors, keys = append(anchors, v.lastOf), append(keys, v.lastKey)
		at[v.lastKey] = i
	}
	sql := `SELECT ` + touchpointColumns + ` FROM ` + c.tables.Touchpoints + `
WHERE workspace = {workspace:String} AND anchor IN {anchors:Array(UInt128)} AND key IN {keys:Array(UInt128)}`
	params := clickhouse.Params{"workspace": c.workspace, "anchors": numbers(anchors), "keys": numbers(keys)}
	return s.store.each(ctx, s.store.lookup, sql, params, func(r *clickhouse.Rows) error {
		t, err := scanTouchpoint(r)
		if i, ok := at[t.Key]; ok && err == nil {
			contacts[i].Identifier = anchorNode(c.workspace, &t)
		}
		return err
	})
}

// AccountTimeline is a page of an account's touchpoints, newest first.
type AccountTimeline struct {
	Account     string              `json:"account"`
	Touchpoints []AccountTouchpoint `json:"touchpoints"`
	Next        string              `json:"next,omitempty"`
}

// AccountTouchpoint is one with the contact whose it is.
type AccountTouchpoint struct {
	Touchpoint
	Person identity.PersonID `json:"person"`
}

// getAccountTimeline answers GET /v1/accounts/{account}/timeline.
func (s *Server) getAccountTimeline(w http.ResponseWriter, r *http.Request, c *call) error {
	q := readTimeline(c, s.config.Registry, accountTimeline)
	if err := c.query.done(); err != nil {
		return err
	}
	name, err := accountOf(r)
	if err != nil {
		return err
	}
	q.params["account"] = name
	q.where = append(q.where, "account = {account:String}")
	persons := map[identity.Anchor]identity.PersonID{}
	sql := `SELECT ` + touchpointColumns + `, ` + c.tables.PersonOf("anchor") + ` FROM ` + c.tables.Touchpoints + `
WHERE ` + strings.Join(q.where, " AND ") + ` ORDER BY time DESC, key DESC LIMIT {limit:UInt32}`
	var list []Touchpoint
	err = s.store.each(r.Context(), s.store.report, sql, q.params, func(rows *clickhouse.Rows) error {
		var person wide
		t, err := scanTouchpoint(rows, &person)
		persons[t.Key] = asAnchor(&person)
		list = append(list, t)
		return err
	})
	if err != nil {
		return err
	}
	page := AccountTimeline{Account: name, Touchpoints: []AccountTouchpoint{}}
	list, page.Next = q.cut(list, accountTimeline)
	s.inTurn(list, true)
	if err := s.attachConversations(r.Context(), c, list); err != nil {
		return err
	}
	for _, t := range list {
		page.Touchpoints = append(page.Touchpoints, AccountTouchpoint{t, persons[t.Key]})
	}
	if len(list) == 0 {
		if known, err := s.knowsAccount(r.Context(), c, name); err != nil {
			return err
		} else if !known {
			return noAccount(name)
		}
	}
	return answer(w, http.StatusOK, page)
}

func (s *Server) knowsAccount(ctx context.Context, c *call, name string) (known bool, err error) {
	err = s.store.each(ctx, s.store.report, `SELECT 1 FROM `+c.tables.Touchpoints+` WHERE workspace = {workspace:String} AND account = {account:String} LIMIT 1`,
		clickhouse.Params{"workspace": c.workspace, "account": name}, func(*clickhouse.Rows) error {
			known = true
			return nil
		})
	return known, err
}
