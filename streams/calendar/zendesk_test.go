package calendar

import (
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

const seeds = "../../../shared/data/dbt-zendesk-seeds/"

// rows reads a table of the seeds, by its columns.
func rows(t *testing.T, name string) (out []map[string]string) {
	f, err := os.Open(seeds + name)
	if err != nil {
		t.Skipf("the Zendesk export is not here: %v", err)
	}
	defer func() { _ = f.Close() }()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, column := range lines[0] {
			row[column] = line[i]
		}
		out = append(out, row)
	}
	return out
}

// TestZendeskSchedule reads an exported schedule (minutes from Sunday's midnight on the wall clock, and once more in UTC as of the
// summer) and the tickets it applied to. The export's own minutes, counted one by one, are the figures to meet.
func TestZendeskSchedule(t *testing.T) {
	d := Document{Name: "desk", Versions: []DocumentVersion{{Zone: "America/Los_Angeles", Week: map[string][]string{}}}}
	var weekly [][2]int // minutes of the week in which the desk works
	summer := at(t, "2020-07-05T00:00:00Z")
	var inSummer []Opening
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, r := range rows(t, "schedule_data.csv") {
		start, end := number(r["start_time"]), number(r["end_time"])
		day := weekdayNames[start/1440]
		d.Versions[0].Week[day] = append(d.Versions[0].Week[day],
			fmt.Sprintf("%02d:%02d-%02d:%02d", start%1440/60, start%60, (end-start/1440*1440)/60, end%60))
		weekly = append(weekly, [2]int{start, end})
		inSummer = append(inSummer, Opening{summer + int64(number(r["start_time_utc"]))*minuteMillis, summer + int64(number(r["end_time_utc"]))*minuteMillis})
	}
	for _, r := range rows(t, "schedule_holiday_data.csv") {
		d.Versions[0].Holidays = append(d.Versions[0].Holidays, r["start_date"]+"/"+r["end_date"])
	}
	slices.Sort(d.Versions[0].Holidays)
	d.Versions[0].Holidays = slices.Compact(d.Versions[0].Holidays)
	if len(d.Versions[0].Holidays) > 1 { // two that overlap are one
		d.Versions[0].Holidays = []string{"2022-12-26/2022-12-29"}
	}
	all, err := Compile([]Document{d})
	if err != nil {
		t.Fatal(err)
	}
	desk := all["desk"]
	for _, want := range inSummer {
		// The export moves UTC by the hour of the winter or the summer it was made in: within an hour it must fit.
		got := desk.Openings(want.Start, want.End)
		if len(got) != 1 || want.Start-got[0].Start > 3_600_000 || got[0].Start-want.Start > 3_600_000 {
			t.Errorf("opening %v, the export has %v", got, want)
		}
	}
	pacific := location("America/Los_Angeles")
	works := func(instant int64) bool {
		now := time.UnixMilli(instant).In(pacific)
		minute := int(now.Weekday())*1440 + now.Hour()*60 + now.Minute()
		for _, h := range d.Versions[0].Holidays {
			if date := now.Format(time.DateOnly); h[:10] <= date && date <= h[len(h)-10:] {
				return false
			}
		}
		return slices.ContainsFunc(weekly, func(p [2]int) bool { return p[0] <= minute && minute < p[1] })
	}
	tickets := 0
	for _, r := range rows(t, "ticket_data.csv") {
		opened, errOpened := time.Parse(time.DateTime, r["created_at"])
		updated, errUpdated := time.Parse(time.DateTime, r["updated_at"])
		if errOpened != nil || errUpdated != nil {
			continue
		}
		counted := int64(0) // seconds
		for s := opened.Unix(); s < updated.Unix(); {
			next := min(s/60*60+60, updated.Unix()) // a minute, or what there is of it
			if works(s / 60 * minuteMillis) {
				counted += next - s
			}
			s = next
		}
		if got := desk.Between(opened.UnixMilli(), updated.UnixMilli()); got != counted*1000 {
			t.Errorf("ticket %s: %d ms, counted %d s", r["id"], got, counted)
		}
		tickets++
	}
	if tickets == 0 {
		t.Error("no ticket")
	}
}
