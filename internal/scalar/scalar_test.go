package scalar_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"linkspan/internal/scalar"
)

func TestString(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", " ", "a", "ünï🚀", "\u200b", "\ufffd", `"quoted"`, "two\nlines", strings.Repeat("x", 1<<20)} {
		if got, err := scalar.UnmarshalString(text); err != nil || got != text {
			t.Errorf("%.20q is read as %.20q: %v", text, got, err)
		}
		var out strings.Builder
		scalar.MarshalString(text).MarshalGQL(&out)
		var again string
		if err := json.Unmarshal([]byte(out.String()), &again); err != nil || again != text {
			t.Errorf("%.20q is written %.20q", text, out.String())
		}
	}
	for _, v := range []any{nil, 1, int64(1), 1.5, true, json.Number("1"), []any{"a"}, map[string]any{}, []byte("a"), "\x00", "a\x00", "a\x00b"} {
		got, err := scalar.UnmarshalString(v)
		var value *scalar.ValueError
		if !errors.As(err, &value) || value.Message == "" || got != "" {
			t.Errorf("%T %v is read as %q: %v", v, v, got, err)
		}
	}
}

func TestDateTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026-11-23T21:18:00Z":           "2026-11-23T21:18:00Z",
		"2026-11-23T21:18:00.123456Z":    "2026-11-23T21:18:00.123456Z",
		"2026-11-23T21:18:00.100Z":       "2026-11-23T21:18:00.1Z",
		"2026-11-23T23:18:00+02:00":      "2026-11-23T21:18:00Z",
		"2026-11-23T21:18:00-00:00":      "2026-11-23T21:18:00Z",
		"2026-01-01T00:30:00+01:00":      "2025-12-31T23:30:00Z",
		"2024-02-29T00:00:00.000000001Z": "2024-02-29T00:00:00.000000001Z",
	} {
		got, err := scalar.UnmarshalDateTime(text)
		if err != nil || got.Location() != time.UTC {
			t.Errorf("%s is read as %v: %v", text, got, err)
			continue
		}
		var out strings.Builder
		if scalar.MarshalDateTime(got).MarshalGQL(&out); out.String() != `"`+want+`"` {
			t.Errorf("%s is written %s, want %s", text, out.String(), want)
		}
	}
	var out strings.Builder
	scalar.MarshalDateTime(time.Date(2026, 11, 23, 23, 18, 0, 0, time.FixedZone("here", 7200))).MarshalGQL(&out)
	if out.String() != `"2026-11-23T21:18:00Z"` {
		t.Errorf("a local time is written %s", out.String())
	}
	for _, v := range []any{
		nil, 0, int64(1764000000), 1.5, true, "", "now", "2026-11-23", "21:18:00Z", "2026-11-23T21:18:00", "2026-11-23 21:18:00Z", "2026-11-23T21:18Z", "2026-02-30T00:00:00Z",
		"2026-11-23T25:00:00Z", "2026-11-23T21:18:00Z ", "2026-11-23T21:18:00Z\x00", "26-11-23T21:18:00Z", "1764000000", json.Number("1"), time.Now(),
	} {
		got, err := scalar.UnmarshalDateTime(v)
		var value *scalar.ValueError
		if !errors.As(err, &value) || value.Message == "" || !got.IsZero() {
			t.Errorf("%T %v is read as %v: %v", v, v, got, err)
		}
	}
}

// TestStrictDateTime holds what RFC 3339 does not allow although Go's parser does.
func TestStrictDateTime(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"2026-11-23T21:18:00,5Z", "2026-11-23T1:18:00Z", "2026-11-23T21:18:00+24:00"} {
		if got, err := scalar.UnmarshalDateTime(text); err == nil {
			t.Errorf("%s is read as %v", text, got)
		}
	}
}
