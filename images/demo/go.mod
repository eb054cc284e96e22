module orchestra-demo

go 1.19
