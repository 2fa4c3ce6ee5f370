package columns_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkspan/internal/columns"
)

func TestTable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		rows [][]string
		want string
	}{
		{"none", nil, ""},
		{"numbers stand to the right", [][]string{{"what", "ms", "a second"}, {"posts", "10.25", "7"}, {"reads of it", "1.00", "1044"}},
			"what            ms  a second\nposts        10.25         7\nreads of it   1.00      1044\n"},
		{"what takes two columns, or none", [][]string{{"日本", "1"}, {"e\u0301", "22"}}, "日本   1\ne\u0301     22\n"},
		{"rows of different length", [][]string{{"a"}, {"b", "1"}, {"c", ""}}, "a\nb  1\nc\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, columns.Table(c.rows)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
