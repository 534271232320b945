package clickhouse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
	driver "github.com/ClickHouse/clickhouse-go/v2"
)

// badColumn says that the columns of an insert do not fit together or the table.
type badColumn struct{ reason string }

func (e *badColumn) Error() string { return e.reason }

// Insert writes one block of rows and returns when the server has it. All columns have the same number of
// rows. The token names the content: a block whose token the table has seen within its window of deduplication
// is acknowledged and not written again, so that an insert whose answer was lost is simply repeated. An
// empty token switches deduplication off. The deadline of ctx bounds the insert; pass one.
//
// Errors: ErrUnavailable (also running out of memory or time): repeat with the same token. ErrRefused: these rows
// will never be accepted.
func (db *DB) Insert(ctx context.Context, table, token string, columns []Column) error {
	operation := "insert into " + table
	types, err := db.columnTypes(ctx, table)
	if err != nil {
		return asWrite(classify(operation, err))
	}
	buffer := takeBuffer()
	if err := encode(buffer, columns, types); err != nil {
		return classify(operation, err)
	}
	settings := driver.Settings{
		"async_insert":       0,
		"insert_deduplicate": 1,
		// One block of ours is one block of the server's, whatever its size: its token then covers all of it.
		"max_insert_block_size": 1 << 30, "min_insert_block_size_rows": 1 << 30, "min_insert_block_size_bytes": 1 << 40,
		// History may come in any order: a block of an import may touch every month since 1970.
		"max_partitions_per_insert_block": 0,
	}
	if token == "" {
		settings["insert_deduplicate"] = 0
	} else {
		settings["insert_deduplication_token"] = token
	}
	var statement strings.Builder
	statement.WriteString("INSERT INTO " + table + " (")
	for i, c := range columns {
		if i > 0 {
			statement.WriteString(", ")
		}
		statement.WriteString(QuoteName(c.Name))
	}
	statement.WriteString(")")
	err = db.conn.InsertFormat(driver.Context(ctx, driver.WithSettings(settings)), "Native", statement.String(), bytes.NewReader(buffer.Buf))
	if err == nil {
		// The server has read it all. After an error it may still be on its way out of another goroutine: then it is garbage.
		giveBuffer(buffer)
	}
	err = classify(operation, err)
	if hasCode(err, noSuchColumn) || hasCode(err, typeMismatch) {
		db.forgetTypes(table) // the table was altered since
	}
	return asWrite(err)
}

const (
	noSuchColumn = 16
	typeMismatch = 53
)

// buffers keeps a few encoded blocks' memory: tens of megabytes that would otherwise be garbage after each insert,
// and that a sync.Pool would drop at each collection.
var buffers = make(chan *proto.Buffer, 4)

const maxKeptBuffer = 64 << 20

func takeBuffer() *proto.Buffer {
	select {
	case b := <-buffers:
		b.Reset()
		return b
	default:
		return new(proto.Buffer)
	}
}

func giveBuffer(b *proto.Buffer) {
	if cap(b.Buf) > maxKeptBuffer {
		return
	}
	select {
	case buffers <- b:
	default:
	}
}

// asWrite makes limits that a write ran into what they are for a writer: a reason to try again.
func asWrite(err error) error {
	var e *Error
	if errors.As(err, &e) && (e.Kind == ErrTooLarge || e.Kind == ErrTooSlow) {
		e.Kind = ErrUnavailable
	}
	return err
}

// encode writes the block in Native format, revision 0: what the HTTP interface reads.
func encode(b *proto.Buffer, columns []Column, types map[string]string) error {
	if len(columns) == 0 {
		return &badColumn{"no columns"}
	}
	rows := columns[0].Data.Rows()
	b.PutInt(len(columns))
	b.PutInt(rows)
	for _, c := range columns {
		if n := c.Data.Rows(); n != rows {
			return &badColumn{fmt.Sprintf("column %s has %d rows, %s has %d", c.Name, n, columns[0].Name, rows)}
		}
		wanted, ok := types[c.Name]
		if !ok {
			return &badColumn{"the table has no column " + c.Name}
		}
		own := c.Data.Type().String()
		if layout(own) == layout(wanted) {
			own = wanted
		}
		b.PutString(c.Name)
		b.PutString(own)
		if p, ok := c.Data.(proto.Preparable); ok {
			if err := p.Prepare(); err != nil {
				return &badColumn{fmt.Sprintf("column %s: %v", c.Name, err)}
			}
		}
		if rows == 0 {
			continue
		}
		if s, ok := c.Data.(proto.StateEncoder); ok {
			s.EncodeState(b)
		}
		c.Data.EncodeColumn(b)
	}
	return nil
}

// columnTypes returns the types of a table's columns, asked for once.
func (db *DB) columnTypes(ctx context.Context, table string) (map[string]string, error) {
	db.mu.Lock()
	types := db.types[table]
	db.mu.Unlock()
	if types != nil {
		return types, nil
	}
	rows, err := db.Query(ctx, "SELECT name, type FROM system.columns WHERE database = {database:String} AND table = {table:String}",
		Params{"database": db.database, "table": table}, Limits{})
	if err != nil {
		return nil, err
	}
	types = map[string]string{}
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			return nil, err
		}
		types[name] = kind
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(types) == 0 {
		return nil, &badColumn{"there is no table " + db.database + "." + table}
	}
	db.mu.Lock()
	db.types[table] = types
	db.mu.Unlock()
	return types, rows.Close()
}

func (db *DB) forgetTypes(table string) {
	db.mu.Lock()
	delete(db.types, table)
	db.mu.Unlock()
}

// QuoteName quotes an identifier for use in a statement.
func QuoteName(name string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(name) + "`"
}
