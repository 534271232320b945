package mailtext

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// FromHTML reads HTML as a mail reader without pictures shows it. What is quoted gets a > before each line, so that
// Fresh tells it apart as in plain text. It works on tokens and builds no tree: depth costs nothing.
func FromHTML(data []byte) string {
	w := htmlWriter{}
	z := html.NewTokenizer(bytes.NewReader(data))
	z.SetMaxBuf(1 << 20)
	hidden := atom.Atom(0) // the element whose content is not shown
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return strings.TrimSpace(w.b.String())
		}
		if kind == html.TextToken {
			if hidden == 0 {
				w.text(html.UnescapeString(string(z.Raw())))
			}
			continue
		}
		if kind != html.StartTagToken && kind != html.EndTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		raw, _ := z.TagName()
		tag := atom.Lookup(raw)
		switch {
		case hidden != 0:
			if kind == html.EndTagToken && tag == hidden {
				hidden = 0
			}
		case kind == html.StartTagToken && (tag == atom.Script || tag == atom.Style || tag == atom.Title || tag == atom.Template):
			hidden = tag
		default:
			w.tag(tag, kind == html.EndTagToken)
		}
	}
}

// htmlWriter lays out the text of HTML.
type htmlWriter struct {
	b        strings.Builder
	quotes   int // depth of blockquotes
	pre      int
	breaks   int  // line feeds to come before the next word
	space    bool // a space is to come before it
	anything bool
}

func (w *htmlWriter) tag(tag atom.Atom, end bool) {
	switch tag {
	case atom.Br:
		w.breaks++
	case atom.Blockquote:
		w.apart(1)
		if !end {
			w.quotes = min(w.quotes+1, 20)
		} else {
			w.quotes = max(w.quotes-1, 0)
		}
	case atom.Pre:
		w.apart(1)
		if !end {
			w.pre++
		} else {
			w.pre = max(w.pre-1, 0)
		}
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Table, atom.Ul, atom.Ol:
		w.apart(2)
	case atom.Div, atom.Tr, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Hr, atom.Address, atom.Dt, atom.Dd:
		w.apart(1)
	case atom.Li:
		w.apart(1)
		if !end {
			w.word("-")
			w.space = true
		}
	case atom.Td, atom.Th:
		w.space = true
	}
}

// apart asks for so many line feeds at least.
func (w *htmlWriter) apart(n int) { w.breaks = max(w.breaks, n) }

func (w *htmlWriter) text(s string) {
	if w.pre > 0 {
		for i, line := range strings.Split(s, "\n") {
			if i > 0 {
				w.breaks++
			}
			if line != "" {
				w.word(line)
			}
		}
		return
	}
	words := strings.Fields(s)
	if len(words) == 0 {
		w.space = w.space || s != ""
		return
	}
	if isSpace(s[0]) {
		w.space = true
	}
	for i, word := range words {
		if i > 0 {
			w.space = true
		}
		w.word(word)
	}
	w.space = isSpace(s[len(s)-1])
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func (w *htmlWriter) word(s string) {
	switch {
	case !w.anything || w.breaks > 0:
		if w.anything {
			for range min(w.breaks, 2) - 1 {
				w.b.WriteByte('\n')
				w.b.WriteString(strings.Repeat(">", w.quotes))
			}
			w.b.WriteByte('\n')
		}
		if w.quotes > 0 {
			w.b.WriteString(strings.Repeat(">", w.quotes))
			w.b.WriteByte(' ')
		}
	case w.space:
		w.b.WriteByte(' ')
	}
	w.b.WriteString(s)
	w.anything, w.breaks, w.space = true, 0, false
}
