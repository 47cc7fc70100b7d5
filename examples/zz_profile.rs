//! scratch
use mutual_trust::Certificate;
fn main() {
    let der = std::fs::read("/tmp/prof.der").unwrap();
    let n: u32 = std::env::args().nth(1).unwrap().parse().unwrap();
    let t = std::time::Instant::now();
    for _ in 0..n {
        std::hint::black_box(Certificate::from_der(std::hint::black_box(&der)).unwrap());
    }
    println!("{:.3} us", t.elapsed().as_secs_f64() * 1e6 / f64::from(n));
}
