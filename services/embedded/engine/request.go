package engine

import (
	"bufio"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// maxStatement bounds the text of a statement. The data of an INSERT whose statement stands in the URL
// is not part of it and is not bounded.
const maxStatement = 32 << 20

// errStatementTooLong is answered with 413.
var errStatementTooLong = errors.New("engine: the statement is longer than 32 MiB; give the INSERT in ?query= and only its data in the body")

// request is what an HTTP request asks for.
type request struct {
	query    string
	data     io.Reader // of an INSERT; nil when there is none
	format   string    // of the result when the query names none
	database string
	settings map[string]string
	params   []param
	hello    bool // clickhouse-go's first query
	compress string
	id       string
}

// notSettings are the URL parameters of ClickHouse's HTTP interface that are not settings. Sessions, users
// and quotas do not exist here and are ignored; a result is always complete before it is sent.
var notSettings = map[string]bool{
	"query": true, "database": true, "default_format": true, "query_id": true, "quota_key": true,
	"client_protocol_version": true, "compress": true, "decompress": true, "buffer_size": true,
	"wait_end_of_query": true, "session_id": true, "session_timeout": true, "session_check": true,
	"close_session": true, "user": true, "password": true, "role": true, "stacktrace": true,
	"enable_http_compression": true, "network_compression_method": true, "network_zstd_compression_level": true,
	"http_write_exception_in_output_format": true, "send_progress_in_http_headers": true,
}

// readRequest reads everything but the data of an INSERT.
func readRequest(r *http.Request) (*request, error) {
	q := &request{format: "TabSeparated", database: "default", settings: map[string]string{}}
	values := r.URL.Query()
	header := func(target *string, name string) {
		if v := r.Header.Get(name); v != "" {
			*target = v
		}
	}
	header(&q.format, "X-ClickHouse-Format")
	header(&q.database, "X-ClickHouse-Database")
	method := "LZ4"
	for name, all := range values {
		value := all[len(all)-1]
		switch {
		case strings.HasPrefix(name, "param_"):
			q.params = append(q.params, param{strings.TrimPrefix(name, "param_"), value})
		case name == "database" && value != "":
			q.database = value
		case name == "default_format" && value != "":
			q.format = value
		case name == "query_id":
			q.id = value
		case name == "network_compression_method":
			method = strings.ToUpper(value)
		case !notSettings[name]:
			q.settings[name] = value
		}
	}
	if on(values.Get("compress")) {
		q.compress = method
	}
	body, err := decode(r.Body, r.Header.Get("Content-Encoding"), on(values.Get("decompress")))
	if err != nil {
		return nil, err
	}
	q.query = values.Get("query")
	buffered := bufio.NewReaderSize(body, 64<<10)
	if _, err := buffered.Peek(1); errors.Is(err, io.EOF) {
		// No body: the statement is the one in the URL.
	} else if err != nil {
		return nil, fmt.Errorf("engine: read body: %w", err)
	} else if keyword(q.query) == "INSERT" {
		q.data = buffered
	} else {
		text, err := io.ReadAll(io.LimitReader(buffered, maxStatement+1))
		if err != nil {
			return nil, fmt.Errorf("engine: read body: %w", err)
		}
		if len(text) > maxStatement {
			return nil, errStatementTooLong
		}
		if q.query != "" {
			q.query += "\n"
		}
		q.query += string(text)
	}
	q.hello = values.Get("client_protocol_version") != "" && strings.TrimSpace(q.query) == helloQuery
	return q, nil
}

func on(v string) bool { return v != "" && v != "0" && v != "false" }

// decode undoes the compression of a body: HTTP's own, or ClickHouse's block framing (decompress=1).
func decode(body io.Reader, encoding string, blocks bool) (io.Reader, error) {
	if blocks {
		body = compress.NewReader(bufio.NewReaderSize(body, 64<<10))
	}
	var err error
	switch encoding {
	case "", "identity":
	case "gzip":
		body, err = gzip.NewReader(body)
	case "deflate":
		body, err = zlib.NewReader(body)
	case "br":
		body = brotli.NewReader(body)
	case "zstd":
		body, err = zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	default:
		err = errors.New("unknown encoding")
	}
	if err != nil {
		return nil, fmt.Errorf("engine: Content-Encoding %q: %w", encoding, err)
	}
	return body, nil
}

// comments and blanks may stand before the first word of a statement.
var leading = regexp.MustCompile(`^(?:\s+|--[^\n]*(?:\n|$)|#!?[^\n]*(?:\n|$)|/\*(?s:.*?)\*/)+`)

// keyword returns the first word of a statement in capitals.
func keyword(query string) string {
	query = strings.TrimPrefix(query, leading.FindString(query))
	end := strings.IndexFunc(query, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
	if end >= 0 {
		query = query[:end]
	}
	return strings.ToUpper(query)
}

var (
	trailingFormat = regexp.MustCompile(`(?is)\sFORMAT\s+(\w+)\s*;?\s*$`)
	trailingValues = regexp.MustCompile(`(?is)\sVALUES\s*;?\s*$`)
)

// insertOf splits an INSERT whose data comes apart into the statement and the format of the data.
func insertOf(query, defaultFormat string) (statement, format string) {
	if m := trailingFormat.FindStringSubmatchIndex(query); m != nil {
		return query[:m[0]], query[m[2]:m[3]]
	}
	if m := trailingValues.FindStringIndex(query); m != nil {
		return query[:m[0]], "Values"
	}
	return query, defaultFormat
}
