package mapping

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"github.com/throughline/throughline/streams/mailtext"
)

// textFunctions are the functions of expressions that read what people and mail servers write. What is missing gives nil,
// and what is not a text is an error of the record.
var textFunctions = map[string]Function{
	"html_text":    onText(func(s string) any { return mailtext.FromHTML([]byte(s)) }),
	"fresh_text":   onText(func(s string) any { return mailtext.Fresh(strings.ReplaceAll(s, "\r\n", "\n")) }),
	"mail_address": onText(func(s string) any { return addressOf(s).Address }),
	"mail_name":    onText(func(s string) any { return addressOf(s).Name }),
	"message_ids":  messageIDs,
	"mail_header":  mailHeader,
}

func onText(f func(string) any) Function {
	return func(args ...any) (any, error) {
		if len(args) != 1 {
			return nil, fmt.Errorf("it takes one text, got %d arguments", len(args))
		}
		switch s := args[0].(type) {
		case nil:
			return nil, nil
		case string:
			return f(s), nil
		}
		return nil, fmt.Errorf("it takes a text, got %T", args[0])
	}
}

// addressOf reads a From; one that no mail server would write is taken for an address as it is, or for nothing.
func addressOf(s string) mail.Address {
	if a, err := mail.ParseAddress(s); err == nil {
		return *a
	}
	name, rest, ok := strings.Cut(s, "<")
	address, _, closed := strings.Cut(rest, ">")
	if !ok || !closed {
		name, address = "", s
	}
	address = strings.TrimSpace(address)
	if strings.Count(address, "@") != 1 || strings.ContainsAny(address, " ,;") {
		address = ""
	}
	return mail.Address{Name: strings.Trim(strings.TrimSpace(name), `"`), Address: address}
}

// maxIDs is how many threads one mail ties together: enough for the answers that cross, and below what a touchpoint takes.
const maxIDs = 12

// messageIDs is the function message_ids.
func messageIDs(args ...any) (any, error) {
	var ids []string
	for _, a := range args {
		switch s := a.(type) {
		case nil:
		case string:
			found := mailtext.MessageIDs(s, 1000)
			if len(found) == 0 && strings.Contains(s, "@") && !strings.ContainsAny(s, "<> \t") { // as some providers give it
				if id := mailtext.CleanID(s); id != "" {
					found = []string{id}
				}
			}
			for _, id := range found {
				if !slices.Contains(ids, id) {
					ids = append(ids, id)
				}
			}
		default:
			return nil, fmt.Errorf("it takes texts, got %T", a)
		}
	}
	if len(ids) > maxIDs {
		ids = append(ids[:maxIDs/2:maxIDs/2], ids[len(ids)-maxIDs/2:]...)
	}
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out, nil
}

// mailHeader is the function mail_header: the first field of a name in the head of a mail, unfolded (RFC 5322, 2.2.3).
func mailHeader(args ...any) (any, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("it takes the head of a mail and a name, got %d arguments", len(args))
	}
	if args[0] == nil {
		return nil, nil
	}
	head, ok := args[0].(string)
	name, named := args[1].(string)
	if !ok || !named {
		return nil, fmt.Errorf("it takes texts, got %T and %T", args[0], args[1])
	}
	var value []string
	for line := range strings.Lines(head) {
		line = strings.TrimRight(line, "\r\n")
		folded := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
		if value != nil {
			if !folded {
				break
			}
			value = append(value, strings.TrimSpace(line))
			continue
		}
		if field, rest, ok := strings.Cut(line, ":"); ok && !folded && strings.EqualFold(strings.TrimSpace(field), name) {
			value = []string{strings.TrimSpace(rest)}
		}
	}
	if value == nil {
		return nil, nil
	}
	return strings.Join(value, " "), nil
}
