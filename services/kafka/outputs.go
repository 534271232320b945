package kafka

// Outputs are the records that a Partition gives for a batch. Their memory is used again by the next batch, which Reset begins. The zero
// value is ready.
type Outputs struct {
	bytes   []byte // keys and values; when it grows, records before that keep pointing into the old one
	records []*Record
	made    int
}

// maxIdle is how much memory a batch may leave behind for the next.
const maxIdle = 16 << 20

// Reset forgets the records.
func (o *Outputs) Reset() {
	if cap(o.bytes) > maxIdle {
		o.bytes, o.records = nil, nil // the records point into it
	}
	o.bytes, o.made = o.bytes[:0], 0
}

// List is what was added since Reset.
func (o *Outputs) List() []*Record { return o.records[:o.made] }

// Add makes a record of the key and what value appends.
func (o *Outputs) Add(topic string, key []byte, value func(dst []byte) ([]byte, error)) (*Record, error) {
	from := len(o.bytes)
	o.bytes = append(o.bytes, key...)
	middle := len(o.bytes)
	out, err := value(o.bytes)
	if err != nil {
		o.bytes = o.bytes[:from]
		return nil, err
	}
	o.bytes = out
	if o.made == len(o.records) {
		o.records = append(o.records, new(Record))
	}
	r := o.records[o.made]
	o.made++
	to := len(out)
	*r = Record{Topic: topic, Key: out[from:middle:middle], Value: out[middle:to:to]}
	return r, nil
}
