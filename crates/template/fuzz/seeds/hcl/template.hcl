# a
variable "a" {
  type    = list(object({ b = optional(string, "c") }))
  default = [{ b = "d" }]
}
locals {
  e = { for k, v in var.a : k => upper(v)... if v != null }
  f = [for g in h : g.*.i[0]]
  j = <<-EOT
    k ${~ l ~}
    %{ if m ~}
    n
    %{ endif }
  EOT
  o = "p\t$${q}${r["s"]}%{for t in u}v%{endfor}"
  w = !x ? -1 : (2 +
  3) * 4 % 5 >= 6 && y[*].z || aa.0.bb == cc(dd...)
}
build { sources = ["ee.ff"] } // gg
/* hh */
