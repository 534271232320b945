package engine

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The engine has no users: whoever reaches it may do everything, and read every file of the machine. The
// listener for BI tools therefore runs each statement on a connection of its own that was put into readonly
// mode, which the engine does not let a statement or a SETTINGS clause leave, and in which it refuses writes,
// DDL and most table functions. What the engine lets through in that mode and should not is refused before:
// see guard.
type readOnlyServer struct {
	server   *server
	args     []string
	slots    chan struct{}
	maxTime  time.Duration
	tableFns map[string]bool // names of table functions, in lower case
}

// Limits of one statement of a BI tool.
const (
	readOnlyTime = time.Minute
	readonlyCode = 164 // ClickHouse's READONLY
)

// harmlessTableFunctions make rows out of nothing or out of tables that could be read anyway.
var harmlessTableFunctions = map[string]bool{
	"numbers": true, "numbers_mt": true, "zeros": true, "zeros_mt": true, "primes": true, "null": true,
	"generaterandom": true, "generateseries": true, "generate_series": true, "values": true, "sqlstandardvalues": true,
	"view": true, "viewifpermitted": true, "viewexplain": true, "merge": true, "dictionary": true,
	"format": true, // the table function is refused by the engine, the function of this name is wanted
}

// reachingFunctions are not table functions and reach outside of the engine although readonly is set.
var reachingFunctions = map[string]bool{"file": true, "catboostevaluate": true, "getclienthttpheader": true,
	"aiclassify": true, "aiembed": true, "aiextract": true, "aigenerate": true, "aitranslate": true}

// allowedSettings may be given in the URL; drivers and tools send them of their own accord. No other may, and
// none in the statement.
var allowedSettings = map[string]bool{
	"max_execution_time": true, "max_result_rows": true, "result_overflow_mode": true, "max_block_size": true,
	"session_timezone": true, "date_time_output_format": true, "join_use_nulls": true, "extremes": true,
	"output_format_json_quote_64bit_integers": true, "output_format_json_quote_denormals": true,
	"output_format_json_named_tuples_as_objects": true, "output_format_decimal_trailing_zeros": true,
	"format_csv_delimiter": true, "log_comment": true, "prefer_column_name_to_alias": true,
}

func newReadOnlyServer(s *server, args []string, slots int, memory int64) (*readOnlyServer, error) {
	lease, err := s.pool.get(context.Background())
	if err != nil {
		return nil, err
	}
	defer s.pool.put(lease)
	names, err := lease.row("SELECT arrayStringConcat(groupArray(lower(name)), ',') FROM system.table_functions")
	if err != nil {
		return nil, err
	}
	r := &readOnlyServer{server: s, slots: make(chan struct{}, slots), maxTime: readOnlyTime, tableFns: map[string]bool{}}
	r.args = append(append([]string{}, args...), "--allow_introspection_functions=0",
		"--max_memory_usage="+strconv.FormatInt(memory, 10),
		"--max_execution_time="+strconv.Itoa(int(r.maxTime.Seconds())))
	for _, name := range strings.Split(names[0], ",") {
		if !harmlessTableFunctions[name] {
			r.tableFns[name] = true
		}
	}
	return r, nil
}

func (s *readOnlyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if answerProbe(w, r) {
		return
	}
	q, err := readRequest(r)
	if err != nil {
		refuse(w, err)
		return
	}
	if q.hello {
		answer(w, q, s.server.hello)
		return
	}
	if err := s.admit(q); err != nil {
		refuse(w, err)
		return
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-r.Context().Done():
		return
	}
	if err := s.run(w, q); err != nil {
		refuse(w, err)
	}
}

// admit refuses a request before it meets the engine.
func (s *readOnlyServer) admit(q *request) error {
	if q.data != nil {
		return forbidden("INSERT")
	}
	for name, value := range q.settings {
		if !allowedSettings[name] {
			return forbidden("the setting " + name)
		}
		if seconds, err := strconv.ParseFloat(value, 64); name == "max_execution_time" && (err != nil || seconds <= 0 || seconds > s.maxTime.Seconds()) {
			q.settings[name] = strconv.Itoa(int(s.maxTime.Seconds()))
		}
	}
	return guard(q.query, s.tableFns)
}

// run executes the statement on a connection that is closed behind it.
func (s *readOnlyServer) run(w http.ResponseWriter, q *request) error {
	c, err := s.server.pool.lib.open(s.args)
	if err != nil {
		return err
	}
	defer c.close()
	session := &session{conn: c, database: "default"}
	if err := session.prepare(q.database, q.settings); err != nil {
		return err
	}
	if err := session.execute("SET readonly = 1"); err != nil {
		return err
	}
	// The engine's parser has the last word on what the text is: one statement, and one that only reads.
	// It also knows INTO OUTFILE and KILL QUERY, which readonly does not cover.
	kind, err := c.classify(q.query)
	if err != nil {
		return err
	}
	unparsed := kind.class == classUnknown && kind.statementCount == 0 // to be run for its syntax error
	if !unparsed && (kind.class != classReadOnly || kind.statementCount != 1) {
		return forbidden("a statement that does more than read")
	}
	result := c.run(q.query, q.format, q.params)
	defer result.destroy()
	if err := result.err(); err != nil {
		return err
	}
	if unparsed {
		return forbidden("a statement that was not understood")
	}
	answer(w, q, result.bytes())
	return nil
}

func forbidden(what string) error {
	return &Exception{Code: readonlyCode, Message: fmt.Sprintf("Code: %d. DB::Exception: This listener only reads: %s is refused. (READONLY)", readonlyCode, what)}
}
