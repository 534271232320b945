package endtoend

import (
	"net/http"
	"testing"
)

// The schedules of the worked example: minutes of a UTC week in its source, here what the clocks of its two desks showed.
const twoSchedules = `
calendars:
  - {name: level-1, versions: [{zone: America/Chicago, week: {mon-sun: ["07:00-21:00"]}}]}
  - {name: level-2, versions: [{zone: America/Los_Angeles, week: {mon-fri: ["08:00-17:30"]}}]}
teams: {chicago: level-1, san-francisco: level-2}
targets: [{first_response: 16h}]
`

// A ticket of one desk is handed to another, which answers seconds later: each desk's schedule counts while it has the ticket.
//
// It is the worked example of https://github.com/fivetran/dbt_zendesk (DECISIONLOG.md, "Business Time Metrics", Apache-2.0), ticket 941606. The
// example rounds: 17:01:38 is minute 2 of the hour, and 25 and 46 seconds are 0.25 and 0.46 of a minute. Told at the times of its comments, the
// ticket waited 960 minutes and 8 seconds for its first answer; told at the rounded times, the 959.46 minutes that the example arrives at.
func TestATicketOverTwoSchedules(t *testing.T) {
	t.Parallel()
	u := startUp(t)
	promised, err := u.request(http.MethodPut, "/v1/promises", map[string]string{"Content-Type": "application/yaml"}, []byte(twoSchedules))
	if err != nil || promised.status != http.StatusOK {
		t.Fatalf("%d %s %v", promised.status, promised.body, err)
	}
	tell := func(ticket, created, handedOver, answered string) {
		said := func(id, time, kind, direction, actor, team string) m {
			return message(ticket+id, ticket+"@x.example", m{
				"time": time, "kind": kind, "direction": direction, "actor": m{"type": actor, "id": actor + "-1"}, "team": team, "topic": ticket, "thread": []string{"ticket:" + ticket},
			})
		}
		u.send(
			said("-created", created, "message", "inbound", "customer", "chicago"),
			said("-noted", handedOver, "note", "internal", "agent", "san-francisco"),
			said("-answered", answered, "message", "outbound", "agent", "san-francisco"),
			said("-solved", "2020-10-01T15:03:44Z", "conversation.resolved", "internal", "agent", "san-francisco"),
		)
	}
	tell("941606", "2020-09-29T17:01:38Z", "2020-09-30T19:01:25Z", "2020-09-30T19:01:46Z")
	tell("rounded", "2020-09-29T17:02:00Z", "2020-09-30T19:01:15Z", "2020-09-30T19:01:27.600Z")
	u.settle()
	type row struct {
		Topic    string
		Response struct{ N, Mean float64 } `json:"first_response_business_ms"`
		Kept     int                       `json:"first_response_kept"`
		Missed   int                       `json:"first_response_missed"`
	}
	got := map[string]row{}
	for _, r := range get[reportAnswer[row]](u, "/v1/reports/conversations?from=2020-09-01&to=2020-11-01&by=topic&figures=first_response_business_ms,first_response_kept,first_response_missed").Rows {
		got[r.Topic] = r
	}
	const minute = 60_000.0
	for _, want := range []row{
		{Topic: "941606", Response: struct{ N, Mean float64 }{1, 960*minute + 8_000}, Missed: 1},
		{Topic: "rounded", Response: struct{ N, Mean float64 }{1, 959.46 * minute}, Kept: 1},
	} {
		if got[want.Topic] != want {
			t.Errorf("%+v, want %+v", got[want.Topic], want)
		}
	}
}
