package main

import "context"

type listenCmd struct{}

func (listenCmd) Run(context.Context) error { return nil }

type tourCmd struct{}

func (tourCmd) Run(context.Context) error { return nil }
