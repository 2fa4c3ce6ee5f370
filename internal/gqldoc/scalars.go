package gqldoc

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

func (c *coercion) text(text string, value any) (any, bool) {
	if strings.IndexByte(text, 0) >= 0 {
		return c.refuse(nulMessage)
	}
	return value, false
}

// integer takes whole numbers of 32 bits; 1.0 and 1e3 are some, as in JavaScript. It makes an int64.
func (c *coercion) integer(value any) (any, bool) {
	var n int64
	switch value := value.(type) {
	case json.Number:
		whole, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil {
			f, err := strconv.ParseFloat(string(value), 64)
			if err != nil || !isInt32Float(f) {
				return c.refuse(notInt32Message)
			}
			whole = int64(f)
		}
		n = whole
	case float64:
		if !isInt32Float(value) {
			return c.refuse(notInt32Message)
		}
		n = int64(value)
	case int:
		n = int64(value)
	case int32:
		n = int64(value)
	case int64:
		n = value
	default:
		return c.refuse("Int can't be %s.", describe(value))
	}
	if !isInt32(n) {
		return c.refuse(notInt32Message)
	}
	return n, true
}

const notInt32Message = "Int can't be a number that is not a 32-bit integer."

func isInt32(n int64) bool { return math.MinInt32 <= n && n <= math.MaxInt32 }

func isInt32Float(f float64) bool {
	return f == math.Trunc(f) && math.MinInt32 <= f && f <= math.MaxInt32
}

// float takes finite numbers. It makes a float64.
func (c *coercion) float(value any) (any, bool) {
	var f float64
	switch value := value.(type) {
	case json.Number:
		parsed, err := strconv.ParseFloat(string(value), 64)
		if err != nil {
			return c.refuse("Float can't be a number beyond 64 bits.")
		}
		f = parsed
	case float64:
		f = value
	case int:
		f = float64(value)
	case int32:
		f = float64(value)
	case int64:
		f = float64(value)
	default:
		return c.refuse("Float can't be %s.", describe(value))
	}
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return c.refuse("Float can't be a number that is not finite.")
	}
	return f, true
}

// maxSafeInteger is up to where a float64 stands for no other whole number than the one that was sent.
const maxSafeInteger = 1<<53 - 1

// id takes strings and whole numbers, and makes strings of both.
func (c *coercion) id(value any) (any, bool) {
	switch value := value.(type) {
	case string:
		return c.text(value, value)
	case json.Number:
		if n, err := strconv.ParseInt(string(value), 10, 64); err == nil {
			return strconv.FormatInt(n, 10), true
		}
		f, err := strconv.ParseFloat(string(value), 64)
		if err != nil {
			f = math.NaN()
		}
		return c.idOf(f)
	case float64:
		return c.idOf(value)
	case int:
		return strconv.Itoa(value), true
	case int32:
		return strconv.Itoa(int(value)), true
	case int64:
		return strconv.FormatInt(value, 10), true
	}
	return c.refuse("ID can't be %s.", describe(value))
}

func (c *coercion) idOf(f float64) (any, bool) {
	if f != math.Trunc(f) || math.Abs(f) > maxSafeInteger {
		return c.refuse("ID can't be a number that is no integer, or one that may have been rounded.")
	}
	return strconv.FormatInt(int64(f), 10), true
}

func (c *coercion) custom(typ *namedType, value any) (any, bool) {
	if text, ok := value.(string); ok && strings.IndexByte(text, 0) >= 0 {
		return c.refuse(nulMessage)
	}
	if typ.check != nil {
		if err := typ.check(value); err != nil {
			return c.refuse("%s", err.Error())
		}
	}
	return value, false
}
