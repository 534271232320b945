package engine

import (
	"fmt"
	"sort"
	"strings"
)

// session is a connection with what has been set on it. A connection keeps its database and its settings
// from one statement to the next, while an HTTP request brings its own: prepare applies the difference,
// which for two requests of the same kind is nothing.
type session struct {
	conn     *conn
	database string
	settings map[string]string // what differs from the connection's own defaults
	dirty    bool              // its state is not what the fields say: to be closed, not used again
}

// prepare makes the session fit for a request.
func (s *session) prepare(database string, settings map[string]string) error {
	var changes []string
	for name, value := range settings {
		if had, ok := s.settings[name]; !ok || had != value {
			changes = append(changes, quoteName(name)+"="+quoteValue(value))
		}
	}
	for name := range s.settings {
		if _, ok := settings[name]; !ok {
			changes = append(changes, quoteName(name)+"=DEFAULT")
		}
	}
	if len(changes) > 0 {
		sort.Strings(changes)
		// Until the statement is known to have worked, nobody knows which of the settings hold.
		s.dirty = true
		if err := s.execute("SET " + strings.Join(changes, ", ")); err != nil {
			return err
		}
		s.settings, s.dirty = settings, false
	}
	if database != s.database {
		if err := s.execute("USE " + quoteName(database)); err != nil {
			return err
		}
		s.database = database
	}
	return nil
}

// execute runs a statement whose result does not matter.
func (s *session) execute(query string) error {
	r := s.conn.run(query, "Null", nil)
	defer r.destroy()
	return r.err()
}

// row runs a query that gives one row of text and returns its columns.
func (s *session) row(query string) ([]string, error) {
	r := s.conn.run(query, "TSVRaw", nil)
	defer r.destroy()
	if err := r.err(); err != nil {
		return nil, fmt.Errorf("engine: %s: %w", query, err)
	}
	return strings.Split(strings.TrimSuffix(string(r.bytes()), "\n"), "\t"), nil
}

func quoteName(s string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(s) + "`"
}

func quoteValue(s string) string {
	return "'" + strings.NewReplacer("\\", "\\\\", "'", "\\'").Replace(s) + "'"
}
