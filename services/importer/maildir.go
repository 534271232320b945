package importer

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mailFiles replaces folders by the mails in them, in the order of their names, which in a Maildir is that of delivery.
// Of a Maildir, and of the folders within it, cur and new are read; tmp holds what is not delivered yet, and other files
// there are the server's own.
func mailFiles(names []string) (files []string, err error) {
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, name)
			continue
		}
		found, err := inFolder(name)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: there is no mail in this folder", name)
		}
		files = append(files, found...)
	}
	return files, nil
}

func inFolder(root string) (files []string, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "tmp" && isMaildir(filepath.Dir(path)):
			return filepath.SkipDir
		case d.IsDir() || !d.Type().IsRegular():
		case isMaildir(filepath.Dir(path)): // the server's lists of ids, subscriptions and quotas
		case strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "dovecot"):
		default:
			files = append(files, path)
		}
		return nil
	})
	slices.SortFunc(files, func(a, b string) int {
		if c := strings.Compare(filepath.Base(a), filepath.Base(b)); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	return files, err
}

// isMaildir tells whether a folder has the two folders that every Maildir has.
func isMaildir(dir string) bool {
	for _, name := range []string{"cur", "new"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}
