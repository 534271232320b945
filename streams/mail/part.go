package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"regexp"
	"strings"

	"github.com/emersion/go-message"

	"github.com/throughline/throughline/streams/mailtext"
)

// parser reads the parts of one mail.
type parser struct {
	mail   *Mail
	limits Limits
	parts  int
	root   body
}

// body is what a part says in words.
type body struct {
	plain string
	html  []byte // in UTF-8; read only when there is no plain text
}

func (b body) empty() bool { return strings.TrimSpace(b.plain) == "" && len(b.html) == 0 }

func (b body) text() string {
	if strings.TrimSpace(b.plain) == "" && len(b.html) > 0 {
		return mailtext.FromHTML(b.html)
	}
	return b.plain
}

// body is the text of the whole mail.
func (p *parser) body() string {
	text := strings.TrimSpace(printable(p.root.text()))
	if len(text) > p.limits.Text {
		p.mail.defect("a text of %d bytes was cut off after %d", len(text), p.limits.Text)
		text = strings.ToValidUTF8(text[:p.limits.Text], "")
	}
	return text
}

// whole reads the parts of the mail.
func (p *parser) whole(head message.Header, data []byte) {
	p.root = p.part(head, data, 0, "text/plain")
}

// part reads one part, whose type is fallback when it does not say so itself.
func (p *parser) part(head message.Header, data []byte, depth int, fallback string) body {
	p.parts++
	typ, params := mediaType(head.Get("Content-Type"), fallback)
	if multi, ok := strings.CutPrefix(typ, "multipart/"); ok && params["boundary"] != "" {
		if depth < p.limits.Depth {
			return p.multipart(multi, params["boundary"], data, depth)
		}
		p.mail.defect("parts within parts are deeper than %d", p.limits.Depth)
		typ = "application/octet-stream"
	} else if ok {
		p.mail.defect("a multipart without a boundary is read as text")
		typ = "text/plain"
	}
	disposition, dispositionParams := mediaType(head.Get("Content-Disposition"), "")
	name := dispositionParams["filename"]
	if name == "" {
		name = params["name"]
	}
	content := p.decode(head.Get("Content-Transfer-Encoding"), data)
	switch {
	case typ == "text/calendar" && p.mail.Calendar == nil:
		p.mail.Calendar = readCalendar(toUTF8(content, params["charset"]))
	case p.readReport(typ, content):
		return body{}
	case disposition == "attachment" || name != "" && disposition != "inline":
	case typ == "text/plain":
		return body{plain: p.cut(toUTF8(content, params["charset"]))}
	case typ == "text/html":
		if len(content) > 4*p.limits.Text {
			p.mail.defect("a text of %d bytes was cut off", len(content))
			content = content[:4*p.limits.Text]
		}
		return body{html: []byte(toUTF8(content, params["charset"]))}
	}
	sum := sha256.Sum256(content)
	p.mail.Attachments = append(p.mail.Attachments, Attachment{
		Name: oneLine(p.decodeWords(name)), Type: typ, Size: len(content), SHA256: hex.EncodeToString(sum[:]), Inline: disposition == "inline",
	})
	return body{}
}

func (p *parser) cut(text string) string {
	if len(text) <= 2*p.limits.Text {
		return text
	}
	p.mail.defect("a text of %d bytes was cut off", len(text))
	return strings.ToValidUTF8(text[:2*p.limits.Text], "")
}

// multipart reads the parts between the boundaries. Of alternatives the plain one is taken; all else is read on.
func (p *parser) multipart(subtype, boundary string, data []byte, depth int) (out body) {
	fallback := "text/plain"
	if subtype == "digest" {
		fallback = "message/rfc822"
	}
	var texts []string
	for piece := range pieces(data, boundary) {
		if p.parts >= p.limits.Parts {
			p.mail.defect("more than %d parts", p.limits.Parts)
			break
		}
		head, rest := p.head(piece)
		b := p.part(head, rest, depth+1, fallback)
		switch {
		case b.empty():
		case subtype != "alternative":
			texts = append(texts, strings.TrimSpace(b.text()))
		default:
			if strings.TrimSpace(out.plain) == "" {
				out.plain = b.plain
			}
			if len(b.html) > 0 {
				out.html = b.html
			}
		}
	}
	if subtype != "alternative" {
		out.plain = strings.Join(texts, "\n\n")
	}
	return out
}

// pieces are what stands between the boundaries (RFC 2046, 5.1.1). A part that is not closed ends with its parent.
func pieces(data []byte, boundary string) func(yield func([]byte) bool) {
	mark := []byte("--" + boundary)
	return func(yield func([]byte) bool) {
		begin, at := -1, 0
		for line := range bytes.Lines(data) {
			start := at
			at += len(line)
			behind, ok := bytes.CutPrefix(line, mark)
			if !ok {
				continue
			}
			behind = bytes.TrimRight(behind, " \t\n")
			closes := string(behind) == "--"
			if !closes && len(behind) > 0 {
				continue // the boundary of another part, whose name begins alike
			}
			if begin >= 0 && !yield(data[begin:max(begin, start-1)]) || closes {
				return
			}
			begin = at
		}
		if begin >= 0 && begin < len(data) {
			yield(data[begin:])
		}
	}
}

// loose finds parameters in what is no media type by the book: spaces without quotes, a parameter twice.
var loose = regexp.MustCompile(`(?i)\b(boundary|charset|name|filename|report-type|method)\s*=\s*("[^"]*"|[^;]+)`)

// mediaType reads Content-Type or Content-Disposition, however broken.
func mediaType(value, fallback string) (string, map[string]string) {
	if strings.TrimSpace(value) == "" {
		return fallback, nil
	}
	typ, params, err := mime.ParseMediaType(value)
	if err == nil {
		return typ, params
	}
	typ, rest, _ := strings.Cut(value, ";")
	params = map[string]string{}
	for _, found := range loose.FindAllStringSubmatch(rest, 20) {
		name := strings.ToLower(found[1])
		if _, twice := params[name]; !twice {
			params[name] = strings.Trim(strings.TrimSpace(found[2]), `"`)
		}
	}
	typ = strings.ToLower(strings.TrimSpace(typ))
	if fallback != "" && strings.Count(typ, "/") != 1 {
		typ = fallback // such as "text"
	}
	return typ, params
}
