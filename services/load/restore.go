package load

import (
	"context"
	"fmt"
	"math/big"
	"time"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/clickhouse"
)

// restoreRows is about how many rows one answer brings: results are held in memory by the engine.
const restoreRows = 1_000_000

// restore reads the fingerprints of the touchpoints of a partition below an offset from the store, month by
// month, and large months in slices of their anchors.
func (l *loader) restore(ctx context.Context, partition int32, below int64) (*touchpoint.Seen, error) {
	started := time.Now()
	months, err := l.months(ctx)
	if err != nil {
		return nil, err
	}
	seen := new(touchpoint.Seen)
	if below > 0 {
		for month, rows := range months {
			slices := 1 + rows/restoreRows
			for i := range slices {
				if err := l.restoreSlice(ctx, seen, partition, below, month, i, slices); err != nil {
					return nil, err
				}
			}
		}
	}
	l.cfg.Logger.Info("restored fingerprints", "partition", partition, "below", below, "touchpoints", seen.Len(), "took", time.Since(started))
	return seen, nil
}

// months are the partitions of the table of facts (yyyymm) and their rows.
func (l *loader) months(ctx context.Context) (map[uint32]uint64, error) {
	query := "SELECT toYYYYMM(time) AS month, count() FROM " + clickhouse.QuoteName(l.tables.Touchpoints) + " GROUP BY month"
	var months map[uint32]uint64
	err := l.query(ctx, query, nil, func(rows *clickhouse.Rows) error {
		months = map[uint32]uint64{}
		for rows.Next() {
			var month uint32
			var n uint64
			if err := rows.Scan(&month, &n); err != nil {
				return err
			}
			months[month] = n
		}
		return rows.Err()
	})
	return months, err
}

func (l *loader) restoreSlice(ctx context.Context, seen *touchpoint.Seen, partition int32, below int64, month uint32, i, slices uint64) error {
	low, high := slice(i, slices)
	query := `SELECT toUInt64(bitShiftRight(key, 64)), toUInt16(bitAnd(bitShiftRight(key, 48), 65535)), content FROM ` + clickhouse.QuoteName(l.tables.Touchpoints) + `
		WHERE toYYYYMM(time) = {month:UInt32} AND _partition = {p:Int32} AND _offset < {below:Int64}
		AND anchor >= toUInt128({low:String}) AND anchor <= toUInt128({high:String})`
	params := clickhouse.Params{"month": month, "p": partition, "below": below, "low": low, "high": high}
	return l.query(ctx, query, params, func(rows *clickhouse.Rows) error {
		var keyHigh, content uint64
		var keyLow uint16
		for rows.Next() {
			if err := rows.Scan(&keyHigh, &keyLow, &content); err != nil {
				return err
			}
			seen.Judge(fingerprint(keyHigh, keyLow, content)) // a slice that is read again changes nothing
		}
		return rows.Err()
	})
}

// slice is the i-th of n equal ranges of anchors, both ends included.
func slice(i, n uint64) (low, high string) {
	all := new(big.Int).Lsh(big.NewInt(1), 128)
	at := func(i uint64) *big.Int {
		v := new(big.Int).Mul(all, new(big.Int).SetUint64(i))
		return v.Div(v, new(big.Int).SetUint64(n))
	}
	return at(i).String(), new(big.Int).Sub(at(i+1), big.NewInt(1)).String()
}

// query reads from the store and tries again until it answers or ctx ends. read may be called several times.
func (l *loader) query(ctx context.Context, sql string, params clickhouse.Params, read func(*clickhouse.Rows) error) error {
	wait := l.cfg.RetryWait
	for {
		err := l.queryOnce(ctx, sql, params, read)
		if err == nil {
			l.available(l.tables.Touchpoints)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		l.metrics.retries.Inc()
		l.unavailable(l.tables.Touchpoints, err)
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
		wait = min(2*wait, 50*l.cfg.RetryWait)
	}
}

const queryTimeout = 5 * time.Minute

func (l *loader) queryOnce(ctx context.Context, sql string, params clickhouse.Params, read func(*clickhouse.Rows) error) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	rows, err := l.cfg.Store.Query(ctx, sql, params, clickhouse.Limits{})
	if err != nil {
		return err
	}
	err = read(rows)
	if closed := rows.Close(); err == nil && closed != nil {
		return fmt.Errorf("load: close rows: %w", closed)
	}
	return err
}
