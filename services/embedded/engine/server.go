package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/compress"
)

// queueWait is how long a statement waits for a free connection before it is refused.
const queueWait = 20 * time.Second

// server speaks ClickHouse's HTTP interface, as far as clickhouse-go, curl and BI tools use it, in front of
// the engine of this process. A result is complete, and within the engine's max_result_bytes, before its
// first byte is sent, so that every error has its status.
type server struct {
	pool  *pool
	hello []byte
}

func newServer(p *pool) (*server, error) {
	s, err := p.get(context.Background())
	if err != nil {
		return nil, err
	}
	defer p.put(s)
	row, err := s.row("SELECT version(), timezone()")
	if err != nil {
		return nil, err
	}
	return &server{pool: p, hello: helloBlock(row[0], row[1])}, nil
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if answerProbe(w, r) {
		return
	}
	q, err := readRequest(r)
	if err != nil {
		refuse(w, err)
		return
	}
	if q.id != "" {
		w.Header().Set("X-ClickHouse-Query-Id", q.id)
	}
	switch {
	case q.hello:
		answer(w, q, s.hello)
	case q.data != nil:
		s.insert(w, r, q)
	default:
		s.query(w, r, q)
	}
}

// answerProbe answers what needs no engine: /ping, and a GET without a query.
func answerProbe(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case r.URL.Path == "/ping", r.URL.Path == "/" && r.Method == http.MethodGet && !r.URL.Query().Has("query"):
		_, _ = io.WriteString(w, "Ok.\n")
	case r.URL.Path != "/":
		http.Error(w, "There is no handle "+r.URL.Path, http.StatusNotFound)
	default:
		return false
	}
	return true
}

// lease gets a session and prepares it.
func (s *server) lease(ctx context.Context, q *request) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, queueWait)
	defer cancel()
	session, err := s.pool.get(ctx)
	if err != nil {
		return nil, err
	}
	if err := session.prepare(q.database, q.settings); err != nil {
		s.pool.put(session)
		return nil, err
	}
	return session, nil
}

func (s *server) query(w http.ResponseWriter, r *http.Request, q *request) {
	session, err := s.lease(r.Context(), q)
	if err != nil {
		refuse(w, err)
		return
	}
	defer s.pool.put(session)
	switch keyword(q.query) {
	case "SET", "USE", "CREATE":
		// SET and USE mean nothing without a session of ClickHouse's HTTP interface, and a temporary table
		// belongs to the connection: none of it may be seen by the next request.
		session.dirty = keyword(q.query) != "CREATE" || strings.Contains(strings.ToUpper(q.query), "TEMPORARY")
	}
	result := session.conn.run(q.query, q.format, q.params)
	defer result.destroy()
	if err := result.err(); err != nil {
		refuse(w, err)
		return
	}
	answer(w, q, result.bytes())
}

// insert hands the data over while it arrives, so that its size does not matter. A client that goes away
// before the end of its data, or damaged data, cancels the insert.
func (s *server) insert(w http.ResponseWriter, r *http.Request, q *request) {
	session, err := s.lease(r.Context(), q)
	if err != nil {
		refuse(w, err)
		return
	}
	defer s.pool.put(session)
	statement, format := insertOf(q.query, q.format)
	stream, err := session.conn.insert(statement, format, q.params)
	if err != nil {
		refuse(w, err)
		return
	}
	defer stream.destroy()
	if _, err := io.CopyBuffer(writerOnly{stream}, readerOnly{q.data}, make([]byte, 1<<20)); err != nil {
		// The connection is not used again: now and then the library keeps a cancelled insert in its list of
		// running statements until the connection is closed.
		session.dirty = true
		stream.cancel()
		refuse(w, err)
		return
	}
	rows, err := stream.done()
	if err != nil {
		session.dirty = true
		refuse(w, err)
		return
	}
	w.Header().Set("X-ClickHouse-Summary", fmt.Sprintf(`{"written_rows":"%d"}`, rows))
	answer(w, q, nil)
}

// writerOnly and readerOnly keep io.CopyBuffer to the buffer it is given.
type (
	writerOnly struct{ io.Writer }
	readerOnly struct{ io.Reader }
)

// answer sends a result, in ClickHouse's compressed blocks when asked for (compress=1).
func answer(w http.ResponseWriter, q *request, result []byte) {
	w.Header().Set("Content-Type", contentType(q.format))
	if q.compress == "" {
		w.Header().Set("Content-Length", strconv.Itoa(len(result)))
		_, _ = w.Write(result)
		return
	}
	method := compress.LZ4
	switch q.compress {
	case "ZSTD":
		method = compress.ZSTD
	case "NONE":
		method = compress.None
	}
	const piece = 1 << 20
	writer := compress.NewWriter(compress.LevelZero, method)
	for len(result) > 0 {
		n := min(piece, len(result))
		if err := writer.Compress(result[:n]); err != nil {
			panic(http.ErrAbortHandler) // the status has been sent: only a broken connection tells the client
		}
		if _, err := w.Write(writer.Data); err != nil {
			return
		}
		result = result[n:]
	}
}

func contentType(format string) string {
	switch {
	case strings.HasPrefix(format, "JSONEachRow"), strings.HasPrefix(format, "JSONCompactEachRow"):
		return "application/x-ndjson; charset=UTF-8"
	case strings.HasPrefix(format, "JSON"):
		return "application/json; charset=UTF-8"
	case strings.HasPrefix(format, "CSV"):
		return "text/csv; charset=UTF-8"
	case strings.HasPrefix(format, "TabSeparated"), strings.HasPrefix(format, "TSV"):
		return "text/tab-separated-values; charset=UTF-8"
	}
	return "application/octet-stream"
}

// refuse answers an error as ClickHouse does: its code in a header, its text in the body.
func refuse(w http.ResponseWriter, err error) {
	var e *Exception
	if !errors.As(err, &e) {
		// Not the engine's word: a body that could not be read. CANNOT_READ_ALL_DATA is what ClickHouse says then.
		e = &Exception{Code: 33, Message: "Code: 33. DB::Exception: " + err.Error() + " (CANNOT_READ_ALL_DATA)"}
	}
	w.Header().Set("X-ClickHouse-Exception-Code", strconv.Itoa(e.Code))
	w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	status := statusOf(e.Code)
	if errors.Is(err, errStatementTooLong) {
		status = http.StatusRequestEntityTooLarge
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, e.Message+"\n")
}

// statusOf maps a code of ClickHouse to an HTTP status the way its server does for the codes that clients
// meet; everything else is 500.
func statusOf(code int) int {
	switch code {
	case 6, 26, 27, 33, 38, 41, 43, 44, 46, 47, 53, 62, 72, 115, 117, 130, 131, 456, 457:
		return http.StatusBadRequest // cannot parse, unknown identifier, function, setting or type
	case 60, 81:
		return http.StatusNotFound // unknown table, unknown database
	case 164, 497:
		return http.StatusForbidden // readonly, access denied
	case tooManyQueries, 241, 252:
		return http.StatusServiceUnavailable // too many queries, memory limit, too many parts
	}
	return http.StatusInternalServerError
}
