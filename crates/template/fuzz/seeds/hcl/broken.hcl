a "b {
  c = [1 2, 'd', "e
  f: { g = 1, h }
  i = "${j" + x.
}
}
k = <<L
m
