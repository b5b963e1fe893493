-- Returns the distance between two colors #rrggbb: the sum over red, green and blue, 0 to 765.
create or replace function color_distance(one text, other text) returns bigint immutable language sql as $$
  select sum(abs(get_byte(decode(substr(one, 2), 'hex'), n) - get_byte(decode(substr(other, 2), 'hex'), n)))
  from generate_series(0, 2) n;
$$;
