package serve

import (
	"slices"
	"testing"
)

func TestNeeded(t *testing.T) {
	columns := []string{"1 + 1 AS two", "two + a AS three", "two + b AS four", "four AS five"}
	for _, c := range []struct {
		names []string
		want  []string
	}{
		{nil, nil},
		{[]string{"three"}, columns[:2]},
		{[]string{"five"}, []string{columns[0], columns[2], columns[3]}},
		{[]string{"b", "a"}, nil},
	} {
		names := map[string]bool{}
		mention(names, c.names...)
		if got := needed(names, columns); !slices.Equal(got, c.want) {
			t.Errorf("%v needs %q, want %q", c.names, got, c.want)
		}
	}
}
