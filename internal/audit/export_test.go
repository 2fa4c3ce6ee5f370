package audit_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"linkspan/internal/audit"
)

// export writes a group's audit out.
func (w *world) export(t testing.TB, handle string, after int32) string {
	t.Helper()
	var out bytes.Buffer
	if err := audit.Export(t.Context(), w.Router, handle, after, &out, func(int) {}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// An export is all entries, can be gone on with behind any, and is verified by itself and by the audit, from wherever it begins.
func TestExport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.export(t, "acme", 0)
	lines := strings.SplitAfter(all, "\n")
	lines = lines[:len(lines)-1]
	if len(lines) < 10 {
		t.Fatalf("it has %d lines: %s", len(lines), all)
	}
	for n := range lines {
		rest := w.export(t, "acme", int32(n))
		if strings.Join(lines[:n], "")+rest != all {
			t.Errorf("behind %d it goes on with %s", n, rest)
		}
		if report, err := audit.VerifyExport(t.Context(), w.Router, strings.NewReader(rest), nil); err != nil || !report.OK() || report.Entries != int64(len(lines)-n) {
			t.Errorf("behind %d: %+v: %v", n, report, err)
		}
	}
	if rest := w.export(t, "acme", int32(len(lines))); rest != "" {
		t.Errorf("behind its end it goes on with %s", rest)
	}
	if err := audit.Export(t.Context(), w.Router, "acme", int32(len(lines)+1), new(bytes.Buffer), func(int) {}); err == nil {
		t.Error("what is not there yet is exported")
	}
	if err := audit.Export(t.Context(), w.Router, "nobody", 0, new(bytes.Buffer), func(int) {}); err == nil {
		t.Error("the audit of nobody is exported")
	}
	if err := audit.Export(t.Context(), w.Router, "acme", 0, fullDisk{}, func(int) {}); !errors.Is(err, errFull) {
		t.Errorf("nobody takes it, and the error is %v", err)
	}

	globex := strings.SplitAfter(w.export(t, "globex", 0), "\n")
	for name, c := range map[string]struct{ text, want string }{
		"a letter":            {strings.Replace(all, "ana", "eve", 1), "its hash is not that of its text"},
		"a number":            {strings.Replace(all, `{"number":2,`, `{"number":3,`, 1), "another entry than it is"},
		"a line between":      {strings.Join(lines[:3], "") + strings.Join(lines[4:], ""), "does not follow the entry 3"},
		"the order":           {lines[0] + lines[2] + lines[1] + lines[3], "does not follow the entry 1"},
		"a line twice":        {lines[0] + lines[0], "does not follow the entry 1"},
		"another group's":     {lines[0] + globex[1], "another entry than it is"},
		"where it goes on":    {swapHash(lines[4]), "follows another entry"},
		"the last, of a file": {lines[len(lines)-2] + strings.Replace(lines[len(lines)-1], `"number":`, `"number":1`, 1), "another entry than it is"},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := audit.VerifyExport(t.Context(), w.Router, strings.NewReader(c.text), nil)
			if err != nil {
				t.Fatal(err)
			}
			finds(t, report, "acme", c.want)
		})
	}
	for name, text := range map[string]string{"nothing": "", "no JSON": "hello\n", "no entry": "{}\n", "half a line": lines[0] + lines[1][:40]} {
		if report, err := audit.VerifyExport(t.Context(), w.Router, strings.NewReader(text), nil); err == nil {
			t.Errorf("%s is verified: %+v", name, report)
		}
	}

	// What was exported is missed.
	w.exec(t, `DELETE FROM linkspan_main.audit_entry WHERE `+of("acme")+` AND number > 3`)
	report, err := audit.VerifyExport(t.Context(), w.Router, strings.NewReader(all), nil)
	if err != nil {
		t.Fatal(err)
	}
	finds(t, report, "acme", "it was exported, and is not there any more")
	report, err = audit.VerifyExport(t.Context(), w.Router, strings.NewReader(lines[6]), nil)
	if err != nil {
		t.Fatal(err)
	}
	finds(t, report, "acme", "follows an entry that is not there any more")
}

// swapHash gives a line another hash before it.
func swapHash(line string) string {
	const field = `"previous":"`
	at := strings.Index(line, field) + len(field)
	return line[:at] + strings.Repeat("0", 64) + line[at+64:]
}

var errFull = errors.New("the disk is full")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }
