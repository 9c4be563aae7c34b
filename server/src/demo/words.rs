//! What the demo's names, streets and notes are made of.

pub(super) const FORMS: [&str; 7] = ["PT", "CV", "UD", "Toko", "PT", "Warung", "Koperasi"];
pub(super) const FIRST: [&str; 24] = [
    "Sinar",
    "Maju",
    "Karya",
    "Mitra",
    "Cahaya",
    "Bintang",
    "Sumber",
    "Anugerah",
    "Berkah",
    "Citra",
    "Duta",
    "Graha",
    "Harapan",
    "Indah",
    "Jaya",
    "Kencana",
    "Lestari",
    "Mandiri",
    "Nusantara",
    "Prima",
    "Rejeki",
    "Samudra",
    "Tunas",
    "Wahana",
];
pub(super) const SECOND: [&str; 20] = [
    "Abadi",
    "Makmur",
    "Sentosa",
    "Sejahtera",
    "Utama",
    "Perkasa",
    "Gemilang",
    "Mulia",
    "Persada",
    "Raya",
    "Bersama",
    "Agung",
    "Pratama",
    "Sukses",
    "Bahari",
    "Pangan",
    "Teknik",
    "Logistik",
    "Pustaka",
    "Elektronik",
];
pub(super) const HOURS: [&str; 6] = ["08.00–16.00", "08.00–17.00", "09.00–17.00", "09.00–21.00", "10.00–20.00", "07.30–15.30"];
pub(super) const PEOPLE_FIRST: [&str; 20] = [
    "Agus", "Dewi", "Eko", "Fitri", "Gita", "Hendra", "Indra", "Joko", "Kartika", "Lina", "Made", "Nur", "Putri", "Rizky",
    "Siti", "Teguh", "Umar", "Wayan", "Yanti", "Yusuf",
];
pub(super) const PEOPLE_LAST: [&str; 14] = [
    "Saputra",
    "Lestari",
    "Pratama",
    "Nugroho",
    "Wijaya",
    "Siregar",
    "Simanjuntak",
    "Hakim",
    "Kusuma",
    "Gunawan",
    "Halim",
    "Setiawan",
    "Rahman",
    "Utami",
];
pub(super) const CITIES: [&str; 14] = [
    "Jakarta Pusat",
    "Jakarta Selatan",
    "Jakarta Barat",
    "Jakarta Timur",
    "Jakarta Utara",
    "Bekasi",
    "Depok",
    "Bogor",
    "Tangerang",
    "Bandung",
    "Cirebon",
    "Semarang",
    "Surabaya",
    "Yogyakarta",
];
pub(super) const STREETS: [&str; 10] = [
    "Jl. Sudirman",
    "Jl. Gatot Subroto",
    "Jl. Diponegoro",
    "Jl. Ahmad Yani",
    "Jl. Merdeka",
    "Jl. Pahlawan",
    "Jl. Kartini",
    "Jl. Hayam Wuruk",
    "Jl. Gajah Mada",
    "Jl. Imam Bonjol",
];
pub(super) const SEGMENTS: [&str; 5] = ["retail", "horeca", "office", "industry", "government"];
pub(super) const TAGS: [&str; 6] = ["prioritas", "kredit", "tunai", "baru", "grosir", "langganan"];
pub(super) const STAGES: [&str; 6] = ["lead", "qualified", "proposal", "negotiation", "won", "lost"];
pub(super) const GOODS: [&str; 8] =
    ["Kopi bubuk", "Gula pasir", "Minyak goreng", "Beras premium", "Air mineral", "Alat tulis", "Sabun cuci", "Mie instan"];
pub(super) const KINDS: [(&str, &str); 4] =
    [("visit", "Kunjungan"), ("call", "Telepon"), ("email", "Surel"), ("meeting", "Rapat")];
pub(super) const OUTCOMES: [&str; 5] = ["interested", "ordered", "not-there", "refused", "follow-up"];
pub(super) const NOTES: [&str; 6] = [
    "Minta penawaran harga untuk kuartal depan.",
    "Stok masih cukup, hubungi lagi minggu depan.",
    "Tertarik dengan produk baru.",
    "Pembayaran lancar, minta tempo 30 hari.",
    "Pemilik sedang keluar kota.",
    "Ingin mencoba satu karton dahulu.",
];
